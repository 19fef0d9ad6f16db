// The runs below a run, as its own events tell of them.
import type { RunError, RunStatus } from '../server/contract/run.ts'
import type { PendingWait } from '../server/contract/wait.ts'
import { KeyedList } from './keyed-list.ts'
import { madeOnce } from './made-once.ts'
import type { UntypedEvent } from './run-ending.ts'
import { fieldsOf } from './run-ending.ts'

/** A run that the run has started, or one further below that waits for somebody. Its own stream tells the rest of it. */
export interface ChildRun {
  readonly runId: string
  readonly agentKey: string
  /** `running` until it waits for somebody, or is over. */
  readonly status: Exclude<RunStatus, 'queued'>
  /** It goes on when the run is over, and what it waits for is not told here. */
  readonly detached: boolean
  /** Of one that is further below: the run right above it. */
  readonly parentRunId: string | null
  /** What it waits for: to be answered by its own `runId`. */
  readonly waits: readonly PendingWait[]
  /** Why it failed or timed out. */
  readonly error: RunError | null
}

/** Those of a run, while events tell of them. */
export interface ChildRuns {
  readonly own: KeyedList<ChildRun>
  /** Further below. */
  readonly below: KeyedList<ChildRun>
}

const none = new KeyedList(({ runId }: ChildRun) => runId)

export const NO_CHILDREN: ChildRuns = { own: none, below: none }

/** Its own first. */
export const childrenOf = madeOnce(({ own, below }: ChildRuns): readonly ChildRun[] => [
  ...own.toArray(),
  ...below.toArray(),
])

const NO_WAITS: readonly PendingWait[] = []

/** The runs below, after an event about one of them. */
export function reduceChildren(children: ChildRuns, event: UntypedEvent): ChildRuns {
  const fields = fieldsOf(event.payload)
  const { childRunId: runId, agentKey, waits } = fields
  if (typeof runId !== 'string' || typeof agentKey !== 'string') return children
  const { own, below } = children
  const known = own.get(runId) ?? newChild(runId, agentKey)
  switch (event.type) {
    case 'child.started':
      return { ...children, own: own.put({ ...known, detached: fields['detached'] === true }) }
    case 'child.waiting': {
      if (!Array.isArray(waits)) return children
      const above = fields['parentRunId']
      const parentRunId = typeof above === 'string' && above !== event.runId ? above : null
      const status = waits.length === 0 ? 'running' : 'waiting'
      const child: ChildRun = { ...known, parentRunId, status, waits: waits as PendingWait[] }
      const isHeardOf = (parentRunId === null ? own : below).get(runId) !== undefined
      if (waits.length === 0 && !isHeardOf) return children
      if (parentRunId === null) return { ...children, own: own.put(child) }
      // One further below is of no more interest once it goes on.
      return { ...children, below: waits.length === 0 ? below.without(runId) : below.put(child) }
    }
    case 'child.ended': {
      const { status, error } = fields as unknown as Pick<ChildRun, 'status' | 'error'>
      const ended = { ...known, status, error: error ?? null, waits: NO_WAITS }
      return { own: own.put(ended), below: withoutBelow(below, runId) }
    }
    default:
      return children
  }
}

const newChild = (runId: string, agentKey: string): ChildRun => ({
  runId,
  agentKey,
  status: 'running',
  detached: false,
  parentRunId: null,
  waits: NO_WAITS,
  error: null,
})

/** What is over waits for nothing, nor does what was below it. */
function withoutBelow(below: KeyedList<ChildRun>, runId: string): KeyedList<ChildRun> {
  const gone = below.toArray().filter(({ parentRunId }) => parentRunId === runId)
  return gone.reduce((left, child) => withoutBelow(left, child.runId).without(child.runId), below)
}
