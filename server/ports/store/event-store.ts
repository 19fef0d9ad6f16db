import type { AnyRunEvent } from '../../contract/event.ts'
import type { Visibility } from '../../contract/visibility.ts'
import type { Reach } from '../owner.ts'

/** A page of a run's events; `count` is the number of all its matching events. */
export interface EventPage {
  events: readonly AnyRunEvent[]
  count: number
  hasMore: boolean
}

/** Reads the events of runs. */
export interface EventStore {
  /**
   * Events with `seq` greater than the cursor, in order, at most `limit`; fewer, but at least one, when they are large.
   */
  readEvents(runId: string, afterSeq: number, limit: number): Promise<readonly AnyRunEvent[]>
  /** As `readEvents`, for readers that are up to date. It does not wait behind readers with a large backlog. */
  readNewEvents(runId: string, afterSeq: number, limit: number): Promise<readonly AnyRunEvent[]>
  /**
   * A page of a run's events with these visibilities, together with those that every reader is told of, and their total
   * count.
   */
  listEvents(
    reach: Reach,
    runId: string,
    page: { afterSeq: number; limit: number; visibilities: readonly Visibility[] },
  ): Promise<EventPage>
}
