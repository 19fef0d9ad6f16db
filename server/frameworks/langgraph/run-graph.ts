import type { RunnableConfig } from '@langchain/core/runnables'
import { Command } from '@langchain/langgraph'
import { withinFoundScope } from '../../agent/call-scope.ts'
import type { AgentContext } from '../../agent/context.ts'
import { journalOf } from '../../agent/journal.ts'
import { withFileContents } from '../../agent/file-contents.ts'
import { NonRetriableError } from '../../agent/non-retriable-error.ts'
import { textOf } from '../../contract/text-of.ts'
import type { AgentMessage } from '../../contract/message.ts'
import { toModelFailure } from '../model-failure.ts'
import { createTeller } from '../teller.ts'
import { createAnswers, interruptsOf } from './interrupts.ts'
import { fromLangChain, isMessage, toLangChain } from './messages.ts'
import { Narrator } from './narrator.ts'
import { JournalSaver } from './saver.ts'
import { TaskScopes } from './task-scopes.ts'

/** A compiled graph: of a `StateGraph`, of `entrypoint`, or an agent of `langchain`. */
export interface RunnableGraph<TState> {
  invoke(input: never, config?: never): Promise<TState>
  stream(input: never, config?: never): Promise<AsyncIterable<unknown>>
  getState(
    config: never,
    options?: never,
  ): Promise<{ values: unknown; next: readonly string[]; tasks: readonly object[] }>
}

/** What is used of a run's context; every agent's `ctx` fits. */
export type GraphContext = Pick<
  AgentContext,
  'runId' | 'messages' | 'signal' | 'emit' | 'files' | 'llm' | 'tracer'
>

export interface RunGraphOptions {
  /** What the graph begins with. Default: `{ messages }`, the conversation so far with this run's input. */
  input?: object
  /** Of LangGraph: `recursionLimit`, `context`, `tags` and the like. Thread, callbacks and signal are the run's. */
  config?: Omit<RunnableConfig, 'callbacks' | 'signal' | 'runId'> & { context?: unknown }
  /** Hears what nodes write by `writer`, to emit it as an event of the agent's, say. Default: it is dropped. */
  onCustom?: (chunk: unknown) => Promise<void> | void
}

export interface GraphResult<TState> {
  /** What the graph ends with. */
  state: TState
  /** What the assistant said last. */
  text: string
  /** Only what the graph added to its `messages`, where its state has these. */
  messages: AgentMessage[]
}

/** Of LangGraph, by which a graph is lent a checkpointer. Its subgraphs get theirs the same way. */
const CHECKPOINTER = '__pregel_checkpointer'

/**
 * Runs a compiled graph of LangGraph as an agent. Its models' texts, thoughts and usage, its tools' calls and results become the run's
 * events.
 *
 * After each task the graph's state is stored with the run. After a crash, a retry or a wait it goes on in the graph: nodes that finished
 * are not run again, and one that had not finished begins anew. `interrupt(question)` is a wait named `interrupt:<id>`, whose answer
 * is what `interrupt` returns. The graph needs no checkpointer of its own, and one that it has is not used.
 *
 * @throws NonRetriableError when the graph takes too many steps, stops at a breakpoint, or its state is more than 64 MB.
 * @throws ModelError when a model fails, so far as that can be told from the error.
 * @throws `ctx.signal`'s reason when the run is stopped.
 * @example
 * const graph = new StateGraph(MessagesAnnotation).addNode('model', askModel).addEdge(START, 'model').compile()
 * defineAgent({ key: 'graph', run: async (ctx) => ({ messages: (await runGraph(ctx, graph)).messages }) })
 */
export async function runGraph<TState>(
  ctx: GraphContext,
  graph: RunnableGraph<TState>,
  options: RunGraphOptions = {},
): Promise<GraphResult<TState>> {
  const journal = journalOf(ctx, 'langgraph')
  const before = (await withFileContents(ctx.messages, ctx.files)).map(withId)
  const teller = createTeller(ctx)
  teller.skip(before)
  const narrator = new Narrator(teller, new TaskScopes(journal.name), ctx.tracer)
  const saver = await JournalSaver.open({ journal, listener: narrator })
  // What an earlier attempt stored and had no time to tell.
  await narrator.onStored(await saver.writtenBy(ctx.runId))
  const run = { ctx, graph: graph as unknown as AnyGraph, saver, narrator, options }
  const input = options.input ?? { messages: toLangChain(before) }
  const state = await runToEnd(run, input).catch((error: unknown) => {
    ctx.signal.throwIfAborted()
    throw toRunFailure(error)
  })
  const messages = addedTo(state, new Set(before.map(({ id }) => id)))
  const said = messages.findLast(({ role, content }) => role === 'assistant' && content !== null)
  return { state: state as TState, text: textOf(said), messages }
}

/** How it is called here. */
interface AnyGraph {
  stream(input: unknown, config: object): Promise<AsyncIterable<unknown>>
  getState(config: object): Promise<{ values: unknown; next: readonly string[]; tasks: readonly object[] }>
}

interface GraphRun {
  ctx: GraphContext
  graph: AnyGraph
  saver: JournalSaver
  narrator: Narrator
  options: RunGraphOptions
}

async function runToEnd(run: GraphRun, given: object): Promise<unknown> {
  const { ctx, graph, saver, narrator, options } = run
  const configurable = { ...options.config?.configurable, thread_id: ctx.runId, [CHECKPOINTER]: saver }
  const config = { ...options.config, configurable }
  const answerAll = createAnswers(ctx)
  let input: unknown = saver.has(ctx.runId) ? null : given
  for (let hasStreamed = false; ; hasStreamed = true) {
    if (saver.has(ctx.runId)) {
      const { values, next, tasks } = await graph.getState(config)
      const open = interruptsOf(tasks)
      if (open.length > 0) input = new Command({ resume: await answerAll(open) })
      else if (next.length === 0) return values
      else if (hasStreamed)
        throw new NonRetriableError('The graph stopped at a breakpoint: use interrupt() to ask.')
    } else if (hasStreamed) throw new NonRetriableError('The graph did nothing with its input.')
    // Each task's writes are stored before the next step begins: what follows from a task never survives it.
    const streaming = {
      ...config,
      callbacks: [narrator],
      signal: ctx.signal,
      streamMode: ['custom'],
      durability: 'sync',
    }
    const stream = async () => {
      for await (const piece of await graph.stream(input, streaming)) {
        await options.onCustom?.((piece as [mode: string, chunk: unknown])[1])
      }
    }
    await withinFoundScope(() => narrator.scopes.find(), stream)
    ctx.signal.throwIfAborted()
  }
}

/** By which the graph's own messages are told from those before. */
const withId = (message: AgentMessage, index: number): AgentMessage => ({
  id: `input-${index + 1}`,
  ...message,
})

function addedTo(state: unknown, given: ReadonlySet<string | undefined>): AgentMessage[] {
  const { messages } = Object(state) as { messages?: unknown }
  if (!Array.isArray(messages)) return []
  return messages
    .filter(isMessage)
    .flatMap((message) => (given.has(message.id) ? [] : fromLangChain(message)))
}

function toRunFailure(error: unknown): unknown {
  const { lc_error_code: code } = Object(error) as { lc_error_code?: unknown }
  if (code === 'GRAPH_RECURSION_LIMIT') {
    return new NonRetriableError((error as Error).message, { cause: error })
  }
  return toModelFailure(error)
}
