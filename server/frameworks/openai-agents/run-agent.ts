import { OpenAIProvider, RunContext, RunState, Runner } from '@openai/agents'
import type {
  Agent,
  AgentInputItem,
  AgentOutputType,
  CallModelInputFilter,
  RunItem,
  RunStreamEvent,
} from '@openai/agents'
import type { z } from 'zod'
import { withFileContents } from '../../agent/file-contents.ts'
import { journalOf } from '../../agent/journal.ts'
import type { AgentMessage } from '../../contract/message.ts'
import { textOf } from '../../contract/text-of.ts'
import { createTeller } from '../teller.ts'
import type { AgentRun, Saved, State } from './agent-run.ts'
import { answerApprovals } from './answer-approvals.ts'
import { equip, storingModel, storingProvider } from './equip.ts'
import { createAnswers } from './stored-answers.ts'
import { fromItems, toItems } from './items.ts'
import { createMessageIds } from './message-ids.ts'
import { createNarrator } from './narrator.ts'
import { toRunFailure } from './run-failure.ts'
import type { OpenAIAgentContext, RunAgentOptions } from './run-options.ts'
import { toolFailureText } from './tool-failure-text.ts'
import { createUsageOfTools, hearUsage } from './usage-of-tools.ts'

export interface OpenAIAgentResult<TOutput> {
  output: TOutput
  /** What the assistant said last. */
  text: string
  /** Only what the agents added: what they said, their calls of tools and handoffs, and the results. */
  messages: AgentMessage[]
  /** The name of the agent that ended: another one after a handoff. */
  lastAgent: string
}

/**
 * Runs an agent of the OpenAI Agents SDK. Its texts, thoughts and usage, its tools' calls and results, handoffs among them, become the
 * run's events. A tool that needs approval waits for it as `ctx.approve` does.
 *
 * Each answer of a model is stored with the run before anything comes of it, and the SDK's `RunState` before the next model is asked and
 * before a wait. After a crash, a retry or a wait it goes on there: no answer is asked for again, and no tool is run again but those of the
 * last answer, whose calls have the same ids as before.
 *
 * @throws NonRetriableError when a guardrail trips, or the agent takes too many turns.
 * @throws ModelError when a model fails, so far as that can be told from the error.
 * @throws `ctx.signal`'s reason when the run is stopped.
 * @example
 * const assistant = new Agent({ name: 'Assistant', instructions: 'Be brief.', tools: [getWeather] })
 * defineAgent({ key: 'assistant', run: async (ctx) => ({ messages: (await runAgent(ctx, assistant)).messages }) })
 */
export async function runAgent<TContext, TOutput extends AgentOutputType>(
  ctx: OpenAIAgentContext,
  agent: Agent<TContext, TOutput>,
  options: RunAgentOptions<TContext> = {},
): Promise<OpenAIAgentResult<OutputOf<TOutput>>> {
  const teller = createTeller(ctx)
  const journal = journalOf(ctx, 'openai-agents')
  const entries = new Map((await journal.read()).map(({ place, value }) => [place, value]))
  const before = entries.get(STATE) as Saved | undefined
  const input = options.input ?? toItems(await withFileContents(ctx.messages, ctx.files))
  const failure = await toolFailureText
  const run = { ctx, agent, options, teller, journal, entries, failure, told: new Set(before?.told) }
  const result = await runToEnd(run, input, before).catch((error: unknown) => {
    ctx.signal.throwIfAborted()
    throw toRunFailure(error)
  })
  const messageIdOf = createMessageIds(result.state._modelResponses)
  const messages = fromItems(result.newItems, { messageIdOf, failure })
  return {
    output: result.finalOutput as OutputOf<TOutput>,
    text: textOf(messages.findLast(({ role, content }) => role === 'assistant' && content !== null)),
    messages,
    lastAgent: result.lastAgent?.name ?? agent.name,
  }
}

/** Text, unless the agent declares a schema. */
export type OutputOf<TOutput extends AgentOutputType> = TOutput extends 'text'
  ? string
  : TOutput extends z.ZodType
    ? z.output<TOutput>
    : unknown

/** What is read of the SDK's result. */
interface Streamed<TContext, TOutput extends AgentOutputType> extends AsyncIterable<RunStreamEvent> {
  state: State<TContext, TOutput>
  completed: Promise<void>
  interruptions: readonly unknown[]
  newItems: RunItem[]
  finalOutput?: unknown
  lastAgent?: { name: string } | undefined
}

/** Where in the journal the state is. */
const STATE = 1

function restore<TContext, TOutput extends AgentOutputType>(
  agent: Agent<TContext, TOutput>,
  state: string,
  context: TContext | undefined,
): Promise<State<TContext, TOutput>> {
  return context === undefined
    ? RunState.fromString<TContext, Agent<TContext, TOutput>>(agent, state)
    : RunState.fromStringWithContext<TContext, Agent<TContext, TOutput>>(
        agent,
        state,
        new RunContext<TContext>(context),
      )
}

async function runToEnd<TContext, TOutput extends AgentOutputType>(
  run: AgentRun<TContext, TOutput>,
  given: string | AgentInputItem[],
  before: Saved | undefined,
): Promise<Streamed<TContext, TOutput>> {
  const { ctx, options, teller, told } = run
  const narrator = createNarrator(teller, run.failure)
  let state: State<TContext, TOutput> | undefined
  const answers = createAnswers(run, narrator, () => state?._modelResponses.length ?? 0)
  const agent = equip(run.agent, answers)
  const { callModelInputFilter: theirs, modelProvider, model, ...config } = options.config ?? {}
  const runner = new Runner({
    tracingDisabled: true,
    ...config,
    ...(model === undefined
      ? {}
      : { model: typeof model === 'string' ? model : storingModel(model, answers) }),
    modelProvider: storingProvider(modelProvider ?? new OpenAIProvider(), answers),
  })
  const ofTools = createUsageOfTools()
  async function tellUsageOfTools(): Promise<void> {
    const usage = state === undefined ? undefined : ofTools.since(state)
    if (usage !== undefined) await narrator.hearUsage(usage)
  }
  /** The SDK waits for it before each call of a model. */
  const beforeCall: CallModelInputFilter = async (call) => {
    answers.begin()
    await tellUsageOfTools()
    teller.assertMayAsk()
    if (state !== undefined && state._modelResponses.length > 0) await save(run, state, narrator.said)
    return theirs === undefined ? call.modelData : theirs(call)
  }
  const heard = new WeakSet<object>()
  function onUsage(): void {
    // What fails here fails what is told next.
    if (answers.isTaken()) void tellUsageOfTools().catch(() => {})
  }
  let input = before === undefined ? given : await restore(agent, before.state, options.context)
  if (input instanceof RunState) ofTools.skip(input)
  try {
    for (;;) {
      if (input instanceof RunState) {
        state = input
        await answerApprovals(run, input)
      }
      const result: Streamed<TContext, TOutput> = await runner.run(agent, input, {
        stream: true,
        signal: ctx.signal,
        callModelInputFilter: beforeCall,
        ...(options.context === undefined ? {} : { context: options.context }),
        ...(options.maxTurns === undefined ? {} : { maxTurns: options.maxTurns }),
      })
      state = result.state
      if (!heard.has(state.usage)) hearUsage(state.usage, onUsage)
      heard.add(state.usage)
      for await (const event of result) await narrator.hear(event)
      await result.completed
      ctx.signal.throwIfAborted()
      await tellUsageOfTools()
      for (const id of narrator.said) told.add(id)
      if (result.interruptions.length === 0) return result
      await save(run, result.state, narrator.said)
      input = result.state
    }
  } catch (error) {
    // What tools took before the error is spent too. The error that ends the run is told, not one of telling this.
    await tellUsageOfTools().catch(() => {})
    throw error
  }
}

async function save<TContext, TOutput extends AgentOutputType>(
  { journal, told }: AgentRun<TContext, TOutput>,
  state: State<TContext, TOutput>,
  said: ReadonlySet<string>,
): Promise<void> {
  for (const id of said) told.add(id)
  const value: Saved = { state: state.toString(), told: [...told] }
  await journal.write({ place: STATE, value }, value.told)
}
