import type { ProviderData, ToolCall } from '../contract/message.ts'
import type { Json } from '../contract/json.ts'
import { ModelError } from '../ports/model.ts'
import type { FinishReason, Model, ModelRequest, TokenUsage } from '../ports/model.ts'
import type { AgentContext, ReceivedMessage } from './context.ts'
import { digestOf } from './digest.ts'
import { createToolCallId } from './tool-call-id.ts'

type TokenUsageForm = { [Count in keyof TokenUsage]: TokenUsage[Count] }

/** A type and not an interface: it is stored as the result of a step, as JSON. */
export type ModelTurn = {
  messageId: string
  text: string
  toolCalls: ToolCall[]
  finishReason: FinishReason
  usage: TokenUsageForm
  /** The name of the model that answered, where that is another than was asked. */
  answeredBy?: string
  providerData: ProviderData | null
  /** What the run was sent, and the model was asked with. */
  received?: ReceivedMessage[]
}

/**
 * A request that was refused as too long. It is stored as an answer is: a later attempt does not ask it again, and what it asks next is the
 * same step as it was before.
 */
export type Refusal = {
  refused: string
  /** The digest of its messages, without what was received. */
  request: string
  /** What the run was sent, and the model was asked with. */
  received?: ReceivedMessage[]
}

interface Asked {
  model: Model
  request: ModelRequest
  /** Whether arguments of calls are told as they come. */
  tellsInput: boolean
}

type Ports = Pick<AgentContext, 'emit' | 'step'> & Partial<Pick<AgentContext, 'takeMessages'>>

/**
 * One answer of the model, streamed as it comes. It is a step: a later attempt of the run gets the stored
 * answer instead of asking, and paying, again.
 *
 * @param options `mayBeRefused`: whether a request that is too long is answered with its refusal, and does not throw. Default: false.
 */
export function takeModelTurn(ctx: Ports, asked: Asked): Promise<ModelTurn>
export function takeModelTurn(
  ctx: Ports,
  asked: Asked,
  options: { mayBeRefused: boolean },
): Promise<ModelTurn | Refusal>
export async function takeModelTurn(
  ctx: Ports,
  asked: Asked,
  { mayBeRefused } = { mayBeRefused: false },
): Promise<ModelTurn | Refusal> {
  let isStored = true
  const turn = await ctx.step('model', async (step): Promise<ModelTurn | Refusal> => {
    isStored = false
    const taken = (await ctx.takeMessages?.(step)) ?? []
    const received = taken.length === 0 ? {} : { received: taken }
    const request = { ...asked.request, messages: [...asked.request.messages, ...taken] }
    try {
      return { ...(await stream(ctx, { ...asked, request, signal: step.signal })), ...received }
    } catch (error) {
      if (!mayBeRefused || !(error instanceof ModelError) || error.code !== 'context_overflow') throw error
      return { refused: error.message, request: digestOf(asked.request.messages), ...received }
    }
  })
  // An attempt that died may have stored the step and not the events.
  for (const { id, content } of isStored ? (turn.received ?? []) : []) {
    await ctx.emit('user.message', { messageId: id, content }, { once: true })
  }
  if ('refused' in turn) return turn
  const { messageId, text } = turn
  if (text !== '') await ctx.emit('assistant.message', { messageId, content: text }, { once: true })
  const { model } = asked
  await ctx.emit('usage', { model: turn.answeredBy ?? model.name, ...turn.usage, messageId }, { once: true })
  return turn
}

async function stream(
  ctx: Pick<AgentContext, 'emit'>,
  { model, request, tellsInput, signal }: Asked & { signal: AbortSignal },
): Promise<ModelTurn> {
  const messageId = crypto.randomUUID()
  const toolCalls: ToolCall[] = []
  const theirIds: string[] = []
  // Providers number their calls anew in each answer, and some give several one id.
  const ids: string[] = []
  const idOf = (index: number) => (ids[index] ??= createToolCallId())
  let text = ''
  for await (const chunk of model.stream(request, signal)) {
    switch (chunk.type) {
      case 'text':
        text += chunk.text
        await ctx.emit('assistant.delta', { messageId, content: chunk.text })
        break
      case 'reasoning':
        await ctx.emit('reasoning.delta', { messageId, content: chunk.text })
        break
      case 'tool-input': {
        const { name: tool, text: content } = chunk
        const toolCallId = idOf(chunk.index)
        if (tellsInput) await ctx.emit('tool.input', { toolCallId, tool, content, messageId })
        break
      }
      case 'tool-call':
        theirIds.push(chunk.toolCall.id)
        toolCalls.push({ ...chunk.toolCall, id: idOf(toolCalls.length) })
        break
      case 'finish':
        return {
          messageId,
          text,
          toolCalls,
          finishReason: chunk.reason,
          usage: { ...chunk.usage },
          ...(chunk.answeredBy ? { answeredBy: chunk.answeredBy.name } : {}),
          providerData: keep(chunk.answeredBy?.provider ?? model.provider, theirIds, chunk.providerData),
        }
    }
  }
  throw new ModelError(`The model "${model.name}" stopped without finishing its answer.`, { retriable: true })
}

function keep(provider: string, toolCallIds: string[], data: Json | undefined): ProviderData | null {
  if (toolCallIds.length === 0 && data === undefined) return null
  return { provider, toolCallIds, data: data === undefined ? null : JSON.stringify(data) }
}
