import type { AgentMessage } from '../contract/message.ts'

/** Where a history may be cut, oldest first: in front of these messages. Calls of tools and their results stay together. */
export function safeCuts(messages: readonly AgentMessage[]): number[] {
  const callsOf = (message: AgentMessage) => (message.role === 'assistant' ? (message.toolCalls ?? []) : [])
  const called = new Set(messages.flatMap(callsOf).map(({ id }) => id))
  const cuts: number[] = []
  /** Results behind the place whose calls are in front of it. */
  const apart = new Set<string>()
  for (const [index, message] of [...messages.entries()].toReversed()) {
    if (message.role === 'tool' && called.has(message.toolCallId)) apart.add(message.toolCallId)
    for (const { id } of callsOf(message)) apart.delete(id)
    if (apart.size === 0) cuts.unshift(index)
  }
  return cuts
}
