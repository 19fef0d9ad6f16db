const MAX_LENGTH = 1_200

/**
 * A section's definition of one of the words, "An agent is …", with the example after it. Only a section that
 * begins with one counts: further down, it is about something else.
 */
export function findDefinition(text: string, query: string): string | undefined {
  const words: string[] = query.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  const subject = /^(?:An?|The) ([\p{L}\p{N}]+) is /u.exec(text)?.[1]?.toLowerCase()
  if (subject === undefined || !words.includes(subject)) return undefined
  const [, sentence = '', code = ''] = /^(.+?)(?:\n\s*\n(```.*?\n```)?|$)/s.exec(text) ?? []
  return code !== '' && sentence.length + code.length <= MAX_LENGTH ? `${sentence}\n\n${code}` : sentence
}
