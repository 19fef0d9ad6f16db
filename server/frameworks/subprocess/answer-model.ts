import type { AgentContext } from '../../agent/context.ts'
import { countedLike, unreported } from '../../agent/counted-model.ts'
import { generate } from '../../agent/generate.ts'
import { limitedModel } from '../../agent/limited-model.ts'
import { takeModelTurn } from '../../agent/model-turn.ts'
import type { ModelTurn } from '../../agent/model-turn.ts'
import { NonRetriableError } from '../../agent/non-retriable-error.ts'
import type { Json } from '../../contract/json.ts'
import type { AgentMessage } from '../../contract/message.ts'
import type { Model, ModelSettings, TokenUsage } from '../../ports/model.ts'
import type { MessageOf } from './protocol.ts'
import { readJsonSchema } from './read-json-schema.ts'
import { usageOf } from './wire-usage.ts'
import { fromWireMessages, toWireMessage } from './wire-messages.ts'

/** A piece of an answer, as it comes. */
export type Delta = { text: string } | { reasoning: string }

interface Answer {
  text: string
  message: AgentMessage & { role: 'assistant' }
  finishReason: string
  usage: TokenUsage
  reasoning?: string
  object?: unknown
}

/**
 * Asks a model of the run for its process: budget, tracing, limits and prices are the run's.
 *
 * @param own the agent's, in place of the runtime's default.
 */
export async function answerModel(
  ctx: AgentContext,
  asked: MessageOf<'model'>,
  { own, send }: { own: Model | undefined; send: (delta: Delta) => Promise<void> },
): Promise<Json> {
  const chosen = chooseModel(ctx, asked.model, own)
  const tell = (model: Model) => (asked.deltas ? told(model, send) : model)
  if (!asked.turn) return written(await answerInWhole(ctx, asked, tell(chosen ?? ctx.llm)))
  if (asked.response_schema !== undefined) {
    throw new NonRetriableError('A turn takes no "response_schema": ask without "turn", within a step.')
  }
  // The turn tells what it took by itself, once over all attempts.
  const model = tell(unreported(ctx.llm, chosen))
  const { messages, tools } = requestOf(asked)
  const request = {
    ...settingsOf(asked),
    messages,
    ...(tools && { tools: tools.map((tool) => tool.function) }),
  }
  // What the run is sent is no part of what a process has said so far, so the turn takes none of it.
  const { emit, step } = ctx
  const turn = await takeModelTurn({ emit, step }, { model, request, tellsInput: false })
  return written({ ...turn, message: messageOf(turn) })
}

function chooseModel(
  ctx: AgentContext,
  named: string | string[] | undefined,
  own: Model | undefined,
): Model | undefined {
  if (named !== undefined) return ctx.llm(...([named].flat() as [string, ...string[]]))
  return own && countedLike(ctx.llm, own, (model, costOf) => limitedModel(ctx, model, costOf))
}

function answerInWhole(ctx: AgentContext, asked: MessageOf<'model'>, model: Model) {
  const { messages, tools } = requestOf(asked)
  const schema = asked.response_schema && readJsonSchema('an answer', asked.response_schema)
  return generate(model, messages, {
    signal: ctx.signal,
    ...settingsOf(asked),
    ...(tools && { tools }),
    ...(schema && { schema }),
  })
}

function requestOf({ messages, system, tools }: MessageOf<'model'>) {
  const given = fromWireMessages(messages)
  return {
    messages: system === undefined ? given : [{ role: 'system' as const, content: system }, ...given],
    tools: tools !== undefined && tools.length > 0 ? tools : undefined,
  }
}

function settingsOf(asked: MessageOf<'model'>): ModelSettings {
  const {
    max_output_tokens: maxOutputTokens,
    reasoning_effort: reasoningEffort,
    prompt_cache: promptCache,
  } = asked
  const { temperature, stop } = asked
  return {
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(reasoningEffort !== undefined && { reasoningEffort }),
    ...(stop !== undefined && { stop }),
    ...(promptCache !== undefined && { promptCache }),
  }
}

/** The same model, whose answer the process is sent piece by piece. One that does not read holds it up. */
function told(model: Model, send: (delta: Delta) => Promise<void>): Model {
  return {
    provider: model.provider,
    name: model.name,
    async *stream(request, signal, onActivity) {
      for await (const chunk of model.stream(request, signal, onActivity)) {
        if (chunk.type === 'text') await send({ text: chunk.text })
        if (chunk.type === 'reasoning') await send({ reasoning: chunk.text })
        yield chunk
      }
    },
  }
}

function messageOf({ text, toolCalls, providerData, messageId: id }: ModelTurn): Answer['message'] {
  return {
    role: 'assistant',
    content: text === '' && toolCalls.length > 0 ? null : text,
    ...(toolCalls.length > 0 && { toolCalls }),
    ...(providerData && { providerData }),
    id,
  }
}

function written({ text, message, finishReason, usage, reasoning = '', object }: Answer): Json {
  const wire = toWireMessage(message) as { tool_calls?: Json }
  return {
    text,
    reasoning,
    message: wire as Json,
    tool_calls: wire.tool_calls ?? [],
    finish_reason: finishReason,
    usage: usageOf(usage),
    ...(object === undefined ? {} : { object: object as Json }),
  }
}
