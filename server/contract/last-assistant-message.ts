import type { Message } from './message.ts'

/** What the assistant said last, among messages oldest first; undefined where it said nothing. */
export function lastAssistantMessage<T extends Message>(messages: readonly T[]): T | undefined {
  return messages.findLast(({ role }) => role === 'assistant')
}
