import type { AgentMessage, Message } from '../../contract/message.ts'
import type { Json } from '../../contract/json.ts'

export interface ProviderMessages {
  messages: Message[]
  /** What the provider sent along with one of these messages, to be returned unchanged. */
  dataOf(message: Message): Json | undefined
}

/**
 * A conversation as its provider knows it: with the provider's own ids of tool calls, and what it wants back.
 * Ids are only unique within one answer of a provider, so the runtime has its own; messages that came from
 * elsewhere keep those.
 */
export function toProviderMessages(messages: readonly AgentMessage[], provider: string): ProviderMessages {
  const ids = new Map<string, string>()
  const data = new Map<Message, Json>()
  const idOf = (id: string) => ids.get(id) ?? id

  const translated = messages.map((message): Message => {
    if (message.role === 'tool') return { ...message, toolCallId: idOf(message.toolCallId) }
    if (message.role !== 'assistant') return message
    const { providerData, ...said } = message
    if (providerData?.provider !== provider) return said
    said.toolCalls?.forEach(({ id }, index) => {
      const theirs = providerData.toolCallIds[index]
      if (theirs !== undefined) ids.set(id, theirs)
    })
    const { toolCalls } = said
    const known: Message = toolCalls === undefined ? said : { ...said, toolCalls: toolCalls.map(withTheirId) }
    if (providerData.data !== null) data.set(known, JSON.parse(providerData.data) as Json)
    return known
  })
  return { messages: translated, dataOf: (message) => data.get(message) }

  function withTheirId<T extends { id: string }>(call: T): T {
    return { ...call, id: idOf(call.id) }
  }
}
