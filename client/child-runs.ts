// The runs below a run, as the run's own events report them.
import type { RunError, RunStatus } from '../server/contract/run.ts'
import type { PendingWait } from '../server/contract/wait.ts'
import { KeyedList } from './keyed-list.ts'
import { madeOnce } from './made-once.ts'
import type { UntypedEvent } from './run-ending.ts'
import { fieldsOf } from './run-ending.ts'

/** A child of the run, or a run further below that waits for an answer. Its own stream tells everything else. */
export interface ChildRun {
  readonly runId: string
  readonly agentKey: string
  /** `running` until it waits for somebody, or is over. */
  readonly status: Exclude<RunStatus, 'queued'>
  /** Whether it goes on without its parent. The waits of a detached run are not told here. */
  readonly detached: boolean
  /** The parent of a run further below. Null for a child. */
  readonly parentRunId: string | null
  /** What it waits for. Answer with its own `runId`. */
  readonly waits: readonly PendingWait[]
  /** Why it failed or timed out. */
  readonly error: RunError | null
}

/** The runs below a run, as far as events have told. */
export interface ChildRuns {
  readonly own: KeyedList<ChildRun>
  /** Further below. */
  readonly below: KeyedList<ChildRun>
}

const none = new KeyedList(({ runId }: ChildRun) => runId)

export const NO_CHILDREN: ChildRuns = { own: none, below: none }

/** The children come first. */
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
      // A run further below is shown only while it waits.
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

/** A run that is over waits for nothing, and neither do the runs below it. */
function withoutBelow(below: KeyedList<ChildRun>, runId: string): KeyedList<ChildRun> {
  const gone = below.toArray().filter(({ parentRunId }) => parentRunId === runId)
  return gone.reduce((left, child) => withoutBelow(left, child.runId).without(child.runId), below)
}
