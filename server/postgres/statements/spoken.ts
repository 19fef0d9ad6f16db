import { OPEN } from '../../lifecycle/statuses.ts'

/**
 * SQL that is true for a run that is over and whose messages are history: it ended well, or somebody stopped it, who has read
 * what it had said by then. One that was cancelled before it began said nothing, and was not heard either.
 */
export const isHistory = (run: string): string =>
  `(${run}.status = 'succeeded' OR ${run}.status = 'cancelled' AND ${run}.attempt > 0)`

/** SQL that is true for a run whose messages are history for people: also of one under way, since its input was said. */
export const isSpoken = (run: string): string => `(${isHistory(run)} OR ${run}.status IN ${OPEN})`
