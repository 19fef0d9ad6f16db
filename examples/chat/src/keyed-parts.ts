import type { LiveMessage, MessagePart } from '../../../client/index.ts'

interface KeyedPart {
  key: string
  message: LiveMessage
  part: MessagePart
}

/** The parts of an answer, with keys that stay as parts come before them. Ids of calls come again, so each has its number. */
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
