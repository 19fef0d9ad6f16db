import type { LiveMessage, MessagePart } from '../../../client/index.ts'

interface KeyedPart {
  key: string
  message: LiveMessage
  part: MessagePart
}

/**
 * The parts of an answer, with keys that stay the same when parts are added before them. Ids of calls may
 * repeat, so each has a number.
 */
export function keyedParts(messages: readonly LiveMessage[]): KeyedPart[] {
  const counts = new Map<string, number>()
  return messages.flatMap((message) =>
    message.parts.map((part) => {
      const name = part.type === 'tool' ? `tool ${part.toolCallId}` : `${message.id} ${part.type}`
      const count = counts.get(name) ?? 0
      counts.set(name, count + 1)
      return { key: `${name} ${count}`, message, part }
    }),
  )
}
