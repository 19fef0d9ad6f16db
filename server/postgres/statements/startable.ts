// The condition for starting a run, in one place.
import { MAY_START } from './gates.ts'

/**
 * SQL condition: the time has come. `run_at` is rounded to milliseconds. If it was rounded up, it would be in the
 * future for a worker that comes at once, and no worker would come again.
 */
export const isDue = (column: string): string => `${column} <= now() + interval '1 millisecond'`

/** SQL condition: a worker may start the run now. */
export const IS_STARTABLE = `
  (status = 'queued' AND ${MAY_START} AND (run_at IS NULL OR ${isDue('run_at')})
    AND (expires_at IS NULL OR attempt > 0 OR expires_at > now())
  OR status = 'waiting' AND ${isDue('run_at')})`
