const MAX_LENGTH = 1_200

/**
 * What a section says one of the words is, with the example after it: "An agent is …", and its code. Only where the section begins
 * with it, since further down it is about something else.
 */
export function findDefinition(text: string, query: string): string | undefined {
  const words: string[] = query.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  const subject = /^(?:An?|The) ([\p{L}\p{N}]+) is /u.exec(text)?.[1]?.toLowerCase()
  if (subject === undefined || !words.includes(subject)) return undefined
  const [, sentence = '', code = ''] = /^(.+?)(?:\n\s*\n(```.*?\n```)?|$)/s.exec(text) ?? []
  return code !== '' && sentence.length + code.length <= MAX_LENGTH ? `${sentence}\n\n${code}` : sentence
}
