import type { Message } from './message.ts'

/** The assistant's last message in a list with the oldest first; undefined if there is none. */
export function lastAssistantMessage<T extends Message>(messages: readonly T[]): T | undefined {
  return messages.findLast(({ role }) => role === 'assistant')
}
