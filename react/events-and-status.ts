import type { AgentShape } from '../server/contract/agent-shape.ts'
import { isTerminal } from '../server/contract/terminal.ts'
import type { RunView } from './use-run-view.ts'

/** A run's events, and one of three statuses. */
export interface EventsAndStatus<TEvent> {
  readonly events: readonly TEvent[]
  /** `running`: until the run ends, also before it exists. `error`: it ended without success, or there is no such run. */
  readonly status: 'running' | 'complete' | 'error'
}

/**
 * A `select` for pages that need only a run's events and whether it goes on.
 *
 * @example
 * const { events, status } = useAgentRun(runId, { select: eventsAndStatus })
 */
export function eventsAndStatus<TEvent>({
  events,
  status,
}: {
  readonly events: readonly TEvent[]
  readonly status: RunView<AgentShape>['status']
}): EventsAndStatus<TEvent> {
  const isOver = status === 'not_found' || (status !== 'idle' && isTerminal(status))
  return { events, status: status === 'succeeded' ? 'complete' : isOver ? 'error' : 'running' }
}
