import type { Message, ToolCall } from '../contract/message.ts'
import {
  type FinishReason,
  type Model,
  ModelError,
  type ModelRequest,
  type TokenUsage,
} from '../llm/model.ts'
import type { AgentContext } from './context.ts'
import type { AnyTool } from './define-tool.ts'
import { runTool } from './run-tool.ts'
import { toToolSpec } from './tool-spec.ts'

/** What the loop uses of a run's context; every agent's `ctx` fits. */
export type ToolLoopContext = Pick<
  AgentContext,
  | 'runId'
  | 'conversationId'
  | 'attempt'
  | 'messages'
  | 'metadata'
  | 'principal'
  | 'signal'
  | 'llm'
  | 'log'
  | 'emit'
>

export interface ToolLoopOptions {
  /** Default: none; the model can only talk then. */
  tools?: readonly AnyTool[]
  /** Instructions put before the messages. */
  system?: string
  /** Default: `ctx.messages`, the conversation so far with this run's input. */
  messages?: readonly Message[]
  /** Default: `ctx.llm`. */
  model?: Model
  /** Model calls before the loop gives up. Default: 10. */
  maxTurns?: number
  /** Upper bound on the tokens of each answer. Default: the provider's. */
  maxOutputTokens?: number
  temperature?: number
}

export interface ToolLoopResult {
  /** What the model said last. */
  text: string
  /** Only what the loop added: assistant turns with their tool calls, and tool results. */
  messages: Message[]
  /** Why the last answer ended; `length` means that it was cut off. */
  finishReason: FinishReason
  /** Over all model calls. */
  usage: TokenUsage
}

/**
 * Lets the model answer, running the tools it asks for, until it asks for none. Emits `assistant.delta`
 * and `reasoning.delta` while it streams, `assistant.message` for each turn with text, `tool.call`,
 * `tool.result` and `usage`. The tool calls of one turn run in parallel.
 *
 * A tool that fails, is unknown, or gets input that doesn't fit its schema does not end the loop: the
 * model gets `{ error }` as the result. A {@link ToolError}'s message is passed on, others' only logged.
 *
 * @throws ModelError when the model fails, or still asks for tools in its last turn.
 * @throws TypeError when two tools share a name or an input schema is not an object's.
 * @throws `ctx.signal`'s reason when the run is stopped.
 * @example
 * const reply = await toolLoop(ctx, { tools: [getWeather], system: 'Answer in one sentence.' })
 * return { output: { response: reply.text }, messages: reply.messages }
 */
export async function toolLoop(ctx: ToolLoopContext, options: ToolLoopOptions = {}): Promise<ToolLoopResult> {
  const { model = ctx.llm, maxTurns = 10 } = options
  const tools = byName(options.tools ?? [])
  const given: Message[] = [
    ...(options.system === undefined ? [] : [{ role: 'system' as const, content: options.system }]),
    ...(options.messages ?? ctx.messages),
  ]
  const request: Omit<ModelRequest, 'messages'> = {
    ...(tools.size === 0 ? {} : { tools: [...tools.values()].map(toToolSpec) }),
    ...(options.maxOutputTokens === undefined ? {} : { maxOutputTokens: options.maxOutputTokens }),
    ...(options.temperature === undefined ? {} : { temperature: options.temperature }),
  }
  const messages: Message[] = []
  const usage: TokenUsage = { inputTokens: 0, outputTokens: 0 }

  for (let turn = 1; turn <= maxTurns; turn++) {
    const answer = await streamAnswer(ctx, model, { ...request, messages: [...given, ...messages] })
    usage.inputTokens += answer.usage.inputTokens
    usage.outputTokens += answer.usage.outputTokens
    messages.push({
      role: 'assistant',
      content: answer.text === '' && answer.toolCalls.length > 0 ? null : answer.text,
      ...(answer.toolCalls.length === 0 ? {} : { toolCalls: answer.toolCalls }),
    })
    if (answer.toolCalls.length === 0) {
      return { text: answer.text, messages, finishReason: answer.finishReason, usage }
    }
    messages.push(...(await runToolCalls(ctx, tools, answer.toolCalls)))
  }
  throw new ModelError(
    `The model still asked for tools after ${maxTurns} turns. Raise maxTurns, or tell it when to stop.`,
    { retriable: false },
  )
}

async function streamAnswer(ctx: ToolLoopContext, model: Model, request: ModelRequest) {
  const messageId = crypto.randomUUID()
  const toolCalls: ToolCall[] = []
  let text = ''
  for await (const chunk of model.stream(request, ctx.signal)) {
    switch (chunk.type) {
      case 'text':
        text += chunk.text
        await ctx.emit('assistant.delta', { messageId, content: chunk.text })
        break
      case 'reasoning':
        await ctx.emit('reasoning.delta', { messageId, content: chunk.text })
        break
      case 'tool-call':
        toolCalls.push(chunk.toolCall)
        break
      case 'finish':
        if (text !== '') await ctx.emit('assistant.message', { messageId, content: text })
        await ctx.emit('usage', { model: model.name, ...chunk.usage })
        return { text, toolCalls, finishReason: chunk.reason, usage: chunk.usage }
    }
  }
  throw new ModelError(`The model "${model.name}" stopped without finishing its answer.`, { retriable: true })
}

async function runToolCalls(
  ctx: ToolLoopContext,
  tools: ReadonlyMap<string, AnyTool>,
  calls: readonly ToolCall[],
): Promise<Message[]> {
  ctx.signal.throwIfAborted()
  for (const call of calls) {
    await ctx.emit('tool.call', { toolCallId: call.id, tool: call.name, arguments: call.arguments })
  }
  const running = calls.map((call) => runTool(tools, call, ctx))
  const messages: Message[] = []
  // Results are told in the order of the calls, each as soon as those before it are there.
  for (const outcome of running) {
    const { call, result, isError } = await outcome
    ctx.signal.throwIfAborted()
    await ctx.emit('tool.result', {
      toolCallId: call.id,
      tool: call.name,
      result,
      ...(isError ? { isError } : {}),
    })
    messages.push({
      role: 'tool',
      toolCallId: call.id,
      content: typeof result === 'string' ? result : JSON.stringify(result),
    })
  }
  return messages
}

function byName(tools: readonly AnyTool[]): ReadonlyMap<string, AnyTool> {
  const map = new Map(tools.map((tool) => [tool.name, tool]))
  if (map.size === tools.length) return map
  throw new TypeError('Two tools share a name; the model could not tell them apart.')
}
