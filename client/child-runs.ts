// The runs below a run, as its own events tell of them.
import type { RunError, RunStatus } from '../server/contract/run.ts'
import type { PendingWait } from '../server/contract/wait.ts'
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

export const NO_CHILDREN: readonly ChildRun[] = []

const NO_WAITS: readonly PendingWait[] = []

/** The runs below, after an event about one of them. */
export function reduceChildren(children: readonly ChildRun[], event: UntypedEvent): readonly ChildRun[] {
  const fields = fieldsOf(event.payload)
  const { childRunId: runId, agentKey, waits } = fields
  if (typeof runId !== 'string' || typeof agentKey !== 'string') return children
  const known = children.find((child) => child.runId === runId)
  switch (event.type) {
    case 'child.started':
      return withChild(children, {
        ...(known ?? newChild(runId, agentKey)),
        detached: fields['detached'] === true,
      })
    case 'child.waiting': {
      if (!Array.isArray(waits)) return children
      if (known === undefined && waits.length === 0) return children
      const above = fields['parentRunId']
      const parentRunId = typeof above === 'string' && above !== event.runId ? above : null
      const before = known ?? newChild(runId, agentKey)
      // One further below is of no more interest once it goes on.
      if (parentRunId !== null && waits.length === 0) return children.filter((child) => child !== known)
      const status = waits.length === 0 ? 'running' : 'waiting'
      return withChild(children, { ...before, parentRunId, status, waits: waits as PendingWait[] })
    }
    case 'child.ended': {
      const { status, error } = fields as unknown as Pick<ChildRun, 'status' | 'error'>
      const ended = { ...(known ?? newChild(runId, agentKey)), status, error: error ?? null, waits: NO_WAITS }
      return withChild(withoutBelow(children, runId), ended)
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

function withChild(children: readonly ChildRun[], child: ChildRun): readonly ChildRun[] {
  const index = children.findIndex(({ runId }) => runId === child.runId)
  return index === -1 ? [...children, child] : children.with(index, child)
}

/** What is over waits for nothing, nor does what was below it. */
function withoutBelow(children: readonly ChildRun[], runId: string): readonly ChildRun[] {
  const below = children.filter(({ parentRunId }) => parentRunId === runId)
  return below.reduce(
    (left, child) => withoutBelow(left, child.runId).filter((one) => one !== child),
    children,
  )
}
