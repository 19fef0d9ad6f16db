import type { AgentShape, KeyOf, ShapeOf } from '../server/contract/agent-shape.ts'
import type { CreateRun, EventOf, OutputOf } from '../server/contract/agent-types.ts'
import type { StoredMessage } from '../server/contract/message.ts'
import { PUBLIC_PRINCIPAL } from '../server/contract/principal.ts'
import type { Principal } from '../server/contract/principal.ts'
import type { Usage } from '../server/contract/budget.ts'
import type { CreateRunRequest } from '../server/contract/create-run.ts'
import type { RunError, RunStatus } from '../server/contract/run.ts'
import { isTerminal } from '../server/contract/terminal.ts'
import type { PendingWait } from '../server/contract/wait.ts'
import type { AgentRuntime } from '../server/runtime/agent-runtime.ts'
import type { StoredStep } from '../server/postgres/read-record.ts'
import type { AnyRunEvent } from '../server/contract/event.ts'

/** What became of a run. */
export interface TestRun<TShape extends AgentShape> {
  id: string
  /** How it ended; `waiting` where it waits for an answer or a time. */
  status: RunStatus
  /** Null unless it succeeded. */
  output: OutputOf<TShape> | null
  error: RunError | null
  /** What its models took and cost. Null unless it succeeded and asked one. */
  usage: Usage | null
  /** What it waits for. */
  waits: readonly PendingWait[]
  /** All of its events, whoever may see them. */
  events: readonly EventOf<TShape>[]
  /** What it answered with. */
  messages: readonly StoredMessage[]
  /** What was done once, in the order in which it was completed. */
  steps: readonly StoredStep[]
}

export interface TestRunOptions {
  /** Who creates it. Default: the principal of everybody where there is no `authenticate`. */
  principal?: Principal
}

/** What is read of a run past all that callers may see. */
export interface RunRecords {
  events(runId: string): Promise<readonly AnyRunEvent[]>
  steps(runId: string): Promise<StoredStep[]>
}

/** Runs agents until they are over, or wait. */
export interface RunAgents<TShape extends AgentShape> {
  /**
   * Creates a run, and resolves when it is over, however it ended, or waits for an answer or a time.
   *
   * @throws AssertionError when a scripted model was not asked what its script expects.
   * @example
   * const { output, steps } = await test.run({ agentKey: 'chat', messages: [{ role: 'user', content: 'Hi' }] })
   */
  run<const TKey extends KeyOf<TShape>>(
    input: CreateRun<ShapeOf<TShape, TKey>> & { agentKey: TKey },
    options?: TestRunOptions,
  ): Promise<TestRun<ShapeOf<TShape, TKey>>>
  /** The same of a run that is there: after `respond`, say. */
  settle<const TKey extends KeyOf<TShape> = KeyOf<TShape>>(
    runId: string,
    options?: TestRunOptions,
  ): Promise<TestRun<ShapeOf<TShape, TKey>>>
}

export function createRunAgents<TShape extends AgentShape>(
  { runs }: AgentRuntime<TShape>,
  records: RunRecords,
  assertAsked: () => void,
): RunAgents<TShape> {
  async function settle<T extends AgentShape>(runId: string, principal: Principal): Promise<TestRun<T>> {
    await untilSettled(runId, principal)
    const run = await runs.get(principal, runId)
    const { status, error, usage, waits, messages, inputCount } = run
    assertAsked()
    return {
      ...{ id: runId, status, error, usage, waits },
      // The agent's own types, which are carried by the runtime's.
      output: run.output as OutputOf<T> | null,
      events: (await records.events(runId)) as unknown as EventOf<T>[],
      messages: messages.slice(inputCount),
      steps: await records.steps(runId),
    }
  }

  async function untilSettled(runId: string, principal: Principal): Promise<void> {
    const over = new AbortController()
    const { batches } = await runs.follow(principal, { runId, afterSeq: 0, signal: over.signal })
    for await (const batch of batches) {
      // A wait may have been answered since it was told of. Runs below end by themselves, but for what they wait for.
      if (!batch.some(({ type }) => type === 'run.waiting' || type === 'child.waiting')) continue
      const { status, waits } = await runs.get(principal, runId)
      if ((status === 'waiting' && waits.length > 0) || isTerminal(status)) break
    }
    over.abort()
  }

  return {
    async run(input, { principal = PUBLIC_PRINCIPAL } = {}) {
      const { run } = await runs.create(principal, input as CreateRunRequest)
      return settle(run.id, principal)
    },
    settle: async (runId, { principal = PUBLIC_PRINCIPAL } = {}) => settle(runId, principal),
  }
}
