// Tells of what a framework's model and tools did, in the runtime's events. What an earlier attempt told is not told again.
import type { AgentContext } from '../agent/context.ts'
import type { AgentMessage, ToolCall } from '../contract/message.ts'
import { countOf } from '../agent/counted-model.ts'
import type { Model, TokenUsage } from '../ports/model.ts'
import { toTold, toToolFailure } from './tool-results.ts'

export interface Teller {
  text(messageId: string, content: string): Promise<void>
  reasoning(messageId: string, content: string): Promise<void>
  /** Nothing more is told of messages that were there before, nor of their calls. */
  skip(messages: readonly AgentMessage[]): void
  /** A message that is whole. Nothing is told of an empty one. */
  message(messageId: string, content: string): Promise<void>
  /** `messageId`: of the answer that calls the tool, where it is known. */
  call(call: ToolCall, messageId?: string): Promise<void>
  result(result: { toolCallId: string; tool: string; result: unknown; isError?: boolean }): Promise<void>
  usage(messageId: string, model: Pick<Model, 'provider' | 'name'>, usage: TokenUsage): Promise<void>
  /**
   * Before a model is asked.
   *
   * @throws when the run has used up its budget.
   */
  assertMayAsk(): void
}

export function createTeller({ emit, llm }: Pick<AgentContext, 'emit' | 'llm'>): Teller {
  const count = countOf(llm)
  const told = new Set<string>()
  const tools = new Map<string, string>()

  function isNew(what: string, id: string): boolean {
    const key = `${what} ${id}`
    if (told.has(key)) return false
    told.add(key)
    return true
  }

  return {
    async text(messageId, content) {
      if (content !== '') await emit('assistant.delta', { messageId, content })
    },
    async reasoning(messageId, content) {
      if (content !== '') await emit('reasoning.delta', { messageId, content })
    },
    skip(messages) {
      for (const message of messages) {
        if (message.id !== undefined) for (const what of ['message', 'usage']) isNew(what, message.id)
        if (message.role === 'tool') isNew('result', message.toolCallId)
        if (message.role === 'assistant') for (const { id } of message.toolCalls ?? []) isNew('call', id)
      }
    },
    async message(messageId, content) {
      if (content === '' || !isNew('message', messageId)) return
      await emit('assistant.message', { messageId, content }, { once: true })
    },
    async call({ id: toolCallId, name: tool, arguments: args }, messageId) {
      tools.set(toolCallId, tool)
      if (!isNew('call', toolCallId)) return
      const place = messageId === undefined ? {} : { messageId }
      await emit('tool.call', { toolCallId, tool, arguments: args, ...place }, { once: true })
    },
    async result({ toolCallId, tool, result, isError = false }) {
      if (!isNew('result', toolCallId)) return
      await emit(
        'tool.result',
        {
          toolCallId,
          tool: tool === '' ? (tools.get(toolCallId) ?? tool) : tool,
          result: isError ? toToolFailure(result) : toTold(result),
          ...(isError ? { isError } : {}),
        },
        { once: true },
      )
    },
    async usage(messageId, model, usage) {
      if (!isNew('usage', messageId)) return
      const cost = usage.cost ?? count?.costOf(model, usage) ?? null
      await emit('usage', { model: model.name, ...usage, cost, messageId }, { once: true })
    },
    assertMayAsk: () => count?.assertLeft(),
  }
}
