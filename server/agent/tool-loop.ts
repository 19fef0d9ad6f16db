import type { AgentMessage } from '../contract/message.ts'
import { addUsage } from './add-usage.ts'
import { unreported } from './counted-model.ts'
import { withIdleLimit } from './idle-limit.ts'
import { ModelError } from '../ports/model.ts'
import type { CostOf, FinishReason, Model, ModelSettings, TokenUsage } from '../ports/model.ts'
import { noTracer } from '../ports/no-tracer.ts'
import type { AgentContext } from './context.ts'
import { takeModelTurn } from './model-turn.ts'
import { runToolCalls } from './run-tool-calls.ts'
import { toolSource } from './tool-source.ts'
import type { ToolList } from './tool-source.ts'
import { toToolSpec } from './tool-spec.ts'
import { tracedModel } from './traced-model.ts'
import { unknownOption } from './unknown-option.ts'

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
  | 'log'
  | 'emit'
  | 'step'
  | 'approve'
> &
  Partial<Pick<AgentContext, 'modelIdleTimeoutMs' | 'tracer'>> & {
    readonly llm: Model
  }

/** The settings hold for each answer of the model. */
export interface ToolLoopOptions extends ModelSettings {
  /** Tools, a registry of them, and sources of tools, such as MCP servers. Default: none; the model can only talk then. */
  tools?: ToolList
  /** Instructions put before the messages. */
  system?: string
  /** Default: `ctx.messages`, the conversation so far with this run's input. */
  messages?: readonly AgentMessage[]
  /** Default: `ctx.llm`. */
  model?: Model
  /** Model calls before the loop gives up. Default: 10. */
  maxTurns?: number
  /** Whether the arguments of calls are told as the model writes them (`tool.input`), where its provider sends them in pieces. Default: false. */
  toolInput?: boolean
}

const OPTIONS: Record<keyof ToolLoopOptions, true> = {
  tools: true,
  system: true,
  messages: true,
  model: true,
  maxTurns: true,
  toolInput: true,
  maxOutputTokens: true,
  temperature: true,
  reasoningEffort: true,
  stop: true,
  promptCache: true,
}

const SETTINGS = ['maxOutputTokens', 'temperature', 'reasoningEffort', 'stop', 'promptCache'] as const

export interface ToolLoopResult {
  /** What the model said last. */
  text: string
  /** Only what the loop added: assistant turns with their tool calls, and tool results. */
  messages: AgentMessage[]
  /** Why the last answer ended; `length` means that it was cut off. */
  finishReason: FinishReason
  /** Over all model calls. */
  usage: TokenUsage
}

/**
 * Lets the model answer, running the tools it asks for, until it asks for none. Emits `assistant.delta`
 * and `reasoning.delta` while it streams, `assistant.message` for each turn with text, `tool.input` if asked to, `tool.call`,
 * `tool.result` and `usage`. The tool calls of one model turn run in parallel.
 *
 * Each answer of the model and each tool call is a step of the run: after a crash, a retry or a wait the loop
 * goes on where it was. Tools that need approval are run when somebody has given it ({@link AgentContext.approve}).
 *
 * A tool that fails, is unknown, or gets input that doesn't fit its schema does not end the loop: the
 * model gets `{ error }` as the result. A {@link ToolError}'s message is passed on, others' only logged.
 *
 * @throws ModelError when the model fails, or still asks for tools in its last turn.
 * @throws TypeError when there is no such option, two tools share a name, or an input schema is not an object's.
 * @throws `ctx.signal`'s reason when the run is stopped.
 * @example
 * const reply = await toolLoop(ctx, { tools: [getWeather], system: 'Answer in one sentence.' })
 * return { output: { response: reply.text }, messages: reply.messages }
 */
export async function toolLoop(ctx: ToolLoopContext, options: ToolLoopOptions = {}): Promise<ToolLoopResult> {
  const unknown = unknownOption(options, OPTIONS)
  if (unknown !== undefined) throw new TypeError(`toolLoop: ${unknown}`)
  const { maxTurns = 10, toolInput: tellsInput = false } = options
  const model = unreported(ctx.llm, options.model, (other, costOf) => limited(ctx, other, costOf))
  const source = toolSource(options.tools ?? [])
  const given: AgentMessage[] = [
    ...(options.system === undefined ? [] : [{ role: 'system' as const, content: options.system }]),
    ...(options.messages ?? ctx.messages),
  ]
  const settings: ModelSettings = Object.fromEntries(
    SETTINGS.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]),
  )
  const messages: AgentMessage[] = []
  let usage: TokenUsage = { inputTokens: 0, outputTokens: 0 }

  for (let turn = 1; turn <= maxTurns; turn++) {
    const tools = await source(ctx)
    const offered = tools.size === 0 ? {} : { tools: [...tools.values()].map(toToolSpec) }
    const answer = await takeModelTurn(ctx, {
      model,
      request: { ...offered, ...settings, messages: [...given] },
      tellsInput,
    })
    usage = addUsage(usage, answer.usage)
    const isPaused = answer.finishReason === 'paused'
    const said: AgentMessage = {
      role: 'assistant',
      content: answer.text === '' && (answer.toolCalls.length > 0 || isPaused) ? null : answer.text,
      ...(answer.toolCalls.length === 0 ? {} : { toolCalls: answer.toolCalls }),
      ...(answer.providerData ? { providerData: answer.providerData } : {}),
    }
    messages.push({ ...said, id: answer.messageId })
    // It goes on when it is sent what it said so far.
    if (isPaused && answer.toolCalls.length === 0) {
      given.push(said)
      continue
    }
    if (answer.toolCalls.length === 0) {
      return { text: answer.text, messages, finishReason: answer.finishReason, usage }
    }
    const results = await runToolCalls(ctx, tools, answer.toolCalls)
    messages.push(...results)
    given.push(said, ...results)
  }
  throw new ModelError(
    `The model still asked for tools after ${maxTurns} turns. Raise maxTurns, or tell it when to stop.`,
    { retriable: false },
  )
}

function limited(
  { modelIdleTimeoutMs = Infinity, tracer = noTracer }: ToolLoopContext,
  model: Model,
  costOf: CostOf | undefined,
): Model {
  return tracedModel(withIdleLimit(model, modelIdleTimeoutMs), tracer, costOf)
}
