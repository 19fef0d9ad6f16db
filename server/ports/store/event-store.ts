import type { AnyRunEvent, Visibility } from '../../contract/event.ts'
import type { Reach } from '../owner.ts'

/** A page of a run's events; `count` is how many of them there are in all. */
export interface EventPage {
  events: readonly AnyRunEvent[]
  count: number
  hasMore: boolean
}

/** The events of runs, as they are read. */
export interface EventStore {
  /**
   * Events with `seq` greater than the cursor, in order, at most `limit`; fewer, but one at least, where they are
   * large.
   */
  readEvents(runId: string, afterSeq: number, limit: number): Promise<readonly AnyRunEvent[]>
  /** The same for readers that are up to date. It does not wait behind readers with a large backlog. */
  readNewEvents(runId: string, afterSeq: number, limit: number): Promise<readonly AnyRunEvent[]>
  /**
   * A page of a run's events of these visibilities and of those that are announced to everybody, and how many of
   * them there are in all.
   */
  listEvents(
    reach: Reach,
    runId: string,
    page: { afterSeq: number; limit: number; visibilities: readonly Visibility[] },
  ): Promise<EventPage>
}
