import { z } from 'zod'
import type { AgentMessage, ToolCall } from '../contract/message.ts'
import type { Schema } from '../contract/schema.ts'
import {
  ModelError,
  type FinishReason,
  type Model,
  type ModelRequest,
  type TokenUsage,
} from '../ports/model.ts'
import type { GenerateOptions, OfferedTools } from './llm.ts'
import { toResponseSchema } from './response-schema.ts'
import { createToolCallId } from './tool-call-id.ts'
import { toOfferedSpec } from './tool-formats.ts'
import { addUsage } from './add-usage.ts'

export interface Generated<
  TSchema extends Schema | undefined = undefined,
  TTools extends OfferedTools | undefined = undefined,
> {
  text: string
  /** The answer as the schema has parsed it. Undefined without a schema, and where the model called tools instead. */
  object: TSchema extends Schema
    ? z.output<TSchema> | (TTools extends undefined ? never : undefined)
    : undefined
  reasoning: string
  toolCalls: ToolCall[]
  finishReason: FinishReason
  usage: TokenUsage
  /** The answer as a message to go on with. It contains what the provider needs back. */
  message: Extract<AgentMessage, { role: 'assistant' }>
}

/** How often a turn goes on that the provider has paused. */
const MAX_PAUSES = 10

/** Asks a model for one whole answer. */
export async function generate<
  TSchema extends Schema | undefined,
  TTools extends OfferedTools | undefined = undefined,
>(
  model: Model,
  given: string | readonly AgentMessage[],
  options: GenerateOptions<TSchema, TTools> & { signal: AbortSignal },
): Promise<Generated<TSchema, TTools>> {
  const { tools: offered, schema, system, signal, ...settings } = options
  const tools = offered === undefined ? undefined : [...offered]
  const response = schema && toResponseSchema(schema)
  const messages: AgentMessage[] = [
    ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
    ...(typeof given === 'string' ? [{ role: 'user' as const, content: given }] : given),
  ]
  const request = {
    ...settings,
    ...(tools === undefined || tools.length === 0 ? {} : { tools: tools.map(toOfferedSpec) }),
    ...(response === undefined ? {} : { responseSchema: response.spec }),
  }
  const answer = await answerInWhole(model, { ...request, messages }, signal)
  const isCall = tools !== undefined && answer.toolCalls.length > 0
  if (response === undefined || isCall) return finished(answer, undefined)
  const read = await response.read(answer.text)
  if (read.success) return finished(answer, read.data)

  const asked = `That is not the form that was asked for. ${read.problem} Answer again, with the JSON alone.`
  const again = await answerInWhole(
    model,
    { ...request, messages: [...messages, answer.message, { role: 'user', content: asked }] },
    signal,
  )
  const second = await response.read(again.text)
  const usage = addUsage(answer.usage, again.usage)
  if (second.success) return finished({ ...again, usage }, second.data)
  throw new ModelError(`The model's answer does not fit the schema. ${second.problem}`, { retriable: true })
}

type Answer = Omit<Generated, 'object'>

// The value has the schema's type, since the schema has parsed it.
function finished<TSchema extends Schema | undefined, TTools extends OfferedTools | undefined>(
  answer: Answer,
  object: unknown,
): Generated<TSchema, TTools> {
  return { ...answer, object } as Generated<TSchema, TTools>
}

async function answerInWhole(model: Model, request: ModelRequest, signal: AbortSignal): Promise<Answer> {
  let usage: TokenUsage = { inputTokens: 0, outputTokens: 0 }
  const paused: AgentMessage[] = []
  for (let pauses = 0; ; pauses += 1) {
    const answer = await answerOnce(model, { ...request, messages: [...request.messages, ...paused] }, signal)
    usage = addUsage(usage, answer.usage)
    const isPaused = answer.finishReason === 'paused' && answer.toolCalls.length === 0 && pauses < MAX_PAUSES
    if (!isPaused) return { ...answer, usage }
    paused.push(answer.message)
  }
}

async function answerOnce(model: Model, request: ModelRequest, signal: AbortSignal): Promise<Answer> {
  const toolCalls: ToolCall[] = []
  const theirIds: string[] = []
  let text = ''
  let reasoning = ''
  for await (const chunk of model.stream(request, signal)) {
    if (chunk.type === 'text') text += chunk.text
    if (chunk.type === 'reasoning') reasoning += chunk.text
    if (chunk.type === 'tool-call') {
      theirIds.push(chunk.toolCall.id)
      toolCalls.push({ ...chunk.toolCall, id: createToolCallId() })
    }
    if (chunk.type !== 'finish') continue
    const { reason: finishReason, usage, providerData, answeredBy = model } = chunk
    return {
      text,
      reasoning,
      toolCalls,
      finishReason,
      usage,
      message: {
        role: 'assistant',
        content: text === '' ? null : text,
        ...(toolCalls.length === 0 ? {} : { toolCalls }),
        ...(toolCalls.length === 0 && providerData === undefined
          ? {}
          : {
              providerData: {
                provider: answeredBy.provider,
                toolCallIds: theirIds,
                data: providerData === undefined ? null : JSON.stringify(providerData),
              },
            }),
      },
    }
  }
  throw new ModelError(`The model "${model.name}" stopped without finishing its answer.`, {
    code: 'connection',
    retriable: true,
  })
}
