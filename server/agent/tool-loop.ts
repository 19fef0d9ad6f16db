import type { AgentMessage } from '../contract/message.ts'
import { addUsage } from './add-usage.ts'
import type { Compaction } from './compaction.ts'
import { contextWindowOf, unreported } from './counted-model.ts'
import { limitedModel } from './limited-model.ts'
import { ModelError } from '../ports/model.ts'
import type { FinishReason, Model, ModelSettings, TokenUsage } from '../ports/model.ts'
import { checkLoopOptions } from './check-loop-options.ts'
import type { AgentContext, ReceivedMessage } from './context.ts'
import { digestOf } from './digest.ts'
import { takeModelTurn } from './model-turn.ts'
import type { ModelTurn } from './model-turn.ts'
import type { PrepareStep } from './prepare-step.ts'
import { createPrepareTurn } from './prepare-turn.ts'
import type { Turn } from './prepare-turn.ts'
import { runToolCalls } from './run-tool-calls.ts'
import { createSentMessages } from './sent-messages.ts'
import type { SentMessages } from './sent-messages.ts'
import type { LoopStep, StopCondition } from './stop-conditions.ts'
import type { ToolList } from './tool-source.ts'

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
  Partial<Pick<AgentContext, 'modelIdleTimeoutMs' | 'tracer' | 'runAgent' | 'takeMessages'>> & {
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
  /** Model calls after which the loop ends with what there is, once the tools of the last were run. Default: 10. */
  maxTurns?: number
  /**
   * Ends the loop with what there is when one of these says so, after the tools of a turn were run: `hasToolCall`, `hasUsedTokens`, or
   * functions of your own.
   */
  stopWhen?: StopCondition | readonly StopCondition[]
  /**
   * Says for each turn of the model what it is sent, with which tools, and which model is asked. A later attempt of the run asks it again for
   * turns that were taken before: put effects into `ctx.step`.
   *
   * @example
   * prepareStep: ({ step }) => (step === 1 ? { toolChoice: { tool: 'search' } } : { model: ctx.llm('openai/gpt-5.6-luna') })
   */
  prepareStep?: PrepareStep
  /**
   * Sums up older messages before the model's window is full, for its requests alone: `reply.messages` and the conversation stay as they are.
   * `true` for the defaults. Default: false, the provider refuses what is too long.
   *
   * @example
   * compaction: { contextWindow: 200_000, model: ctx.llm('openai/gpt-5.6-luna') }
   */
  compaction?: boolean | Compaction
  /** Whether the arguments of calls are told as the model writes them (`tool.input`), where its provider sends them in pieces. Default: false. */
  toolInput?: boolean
}

export interface ToolLoopResult {
  /** What the model said last. */
  text: string
  /** Only what the loop added: assistant turns with their tool calls, tool results, and what the run was sent meanwhile. */
  messages: AgentMessage[]
  /**
   * Why the last answer ended; `length` means that it was cut off. `max-turns` and `stop-when`: the model would have gone on, and the
   * loop did not.
   */
  finishReason: FinishReason | 'max-turns' | 'stop-when'
  /** Over all model calls, summaries included. */
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
 * Messages that `runs.send` sends meanwhile are part of what the model is asked at its next turn.
 *
 * A tool that fails, is unknown, or gets input that doesn't fit its schema does not end the loop: the
 * model gets `{ error }` as the result. A {@link ToolError}'s message is passed on, others' only logged.
 *
 * @throws ModelError when the model fails.
 * @throws TypeError when there is no such option or it is not valid, two tools share a name, an input schema is not an object's, or
 * `prepareStep` answers with what is not valid.
 * @throws `ctx.signal`'s reason when the run is stopped.
 * @example
 * const reply = await toolLoop(ctx, { tools: [getWeather], system: 'Answer in one sentence.' })
 * return { output: { response: reply.text }, messages: reply.messages }
 */
export async function toolLoop(ctx: ToolLoopContext, options: ToolLoopOptions = {}): Promise<ToolLoopResult> {
  const { maxTurns, stopConditions, compaction } = checkLoopOptions(options)
  const counted = (model?: Model) =>
    unreported(ctx.llm, model, (other, costOf) => limitedModel(ctx, other, costOf))
  const prepareTurn = createPrepareTurn(ctx, options, counted)
  const { toolInput: tellsInput = false } = options
  const given: AgentMessage[] = [
    ...(options.system === undefined ? [] : [{ role: 'system' as const, content: options.system }]),
    ...(options.messages ?? ctx.messages),
  ]
  const ports = { ctx, counted, windowOf: (model: Model) => contextWindowOf(ctx.llm, model) }
  const sent = createSentMessages(ports, given, compaction)
  const messages: AgentMessage[] = []
  const steps: LoopStep[] = []
  let usage: TokenUsage = { inputTokens: 0, outputTokens: 0 }

  for (let step = 1; ; step++) {
    const turn = await prepareTurn({ step, steps: [...steps], messages: [...sent.list], usage })
    const { answer, received, usage: taken } = await takeTurn(ctx, { ...turn, tellsInput }, sent)
    usage = addUsage(usage, taken)
    messages.push(...received)
    const isPaused = answer.finishReason === 'paused' && answer.toolCalls.length === 0
    const said: AgentMessage = {
      role: 'assistant',
      content: answer.text === '' && (answer.toolCalls.length > 0 || isPaused) ? null : answer.text,
      ...(answer.toolCalls.length === 0 ? {} : { toolCalls: answer.toolCalls }),
      ...(answer.providerData ? { providerData: answer.providerData } : {}),
    }
    messages.push({ ...said, id: answer.messageId })
    const { text, finishReason } = answer
    if (answer.toolCalls.length === 0 && !isPaused) return { text, messages, finishReason, usage }
    sent.add(said)
    if (turn.messages === undefined) sent.measure(answer.usage)
    // One that is paused goes on when it is sent what it said so far.
    const results = isPaused ? [] : await runToolCalls(ctx, turn.tools, answer)
    messages.push(...results)
    sent.add(...results)
    steps.push({
      step,
      text,
      toolCalls: answer.toolCalls,
      toolResults: results,
      finishReason,
      usage: answer.usage,
    })
    if (await isStopped()) return { text, messages, finishReason: 'stop-when', usage }
    if (step >= maxTurns) return { text, messages, finishReason: 'max-turns', usage }
  }

  async function isStopped(): Promise<boolean> {
    for (const condition of stopConditions) if (await condition({ steps: [...steps], usage })) return true
    return false
  }
}

/** Asks the model. Where the request is too long, or is refused as that, older messages are summed up first. */
async function takeTurn(
  ctx: ToolLoopContext,
  { model, request, messages, tellsInput }: Turn & { tellsInput: boolean },
  sent: SentMessages,
): Promise<{ answer: ModelTurn; received: ReceivedMessage[]; usage: TokenUsage }> {
  const received: ReceivedMessage[] = []
  let usage: TokenUsage = { inputTokens: 0, outputTokens: 0 }
  const fit = async (isFull: boolean) => {
    const taken = await sent.fit({ model, tools: request.tools ?? [] }, isFull)
    if (taken !== undefined) usage = addUsage(usage, taken)
    return taken !== undefined
  }
  // What `prepareStep` says is sent as it is.
  const mayBeRefused = messages === undefined && sent.isFitted
  if (mayBeRefused) await fit(false)
  for (let isFull = false; ;) {
    const whole = { ...request, messages: messages ?? [...sent.list] }
    const answer = await takeModelTurn(ctx, { model, request: whole, tellsInput }, { mayBeRefused })
    received.push(...(answer.received ?? []))
    sent.add(...(answer.received ?? []))
    if (!('refused' in answer)) return { answer, received, usage: addUsage(usage, answer.usage) }
    // An earlier attempt, which had other settings, may have been refused something else.
    if (answer.request !== digestOf(whole.messages)) continue
    if (isFull || !(await fit(true))) {
      throw new ModelError(answer.refused, { code: 'context_overflow', retriable: false })
    }
    isFull = true
  }
}
