import { OPEN } from '../../lifecycle/statuses.ts'

/**
 * SQL condition: the run is over and its messages are history. It succeeded, or was cancelled after it began, when a
 * person may have read its messages. A run that was cancelled before it began is no history: nobody answered its input.
 */
export const isHistory = (run: string): string =>
  `(${run}.status = 'succeeded' OR ${run}.status = 'cancelled' AND ${run}.attempt > 0)`

/** SQL condition: people see the run's messages as history. This includes open runs, because of their input. */
export const isSpoken = (run: string): string => `(${isHistory(run)} OR ${run}.status IN ${OPEN})`
