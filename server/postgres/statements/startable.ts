// When a run may be started, once for whatever does it.
import { MAY_START } from './gates.ts'

/**
 * SQL that is true when that time has come. `run_at` was rounded to a millisecond: up, it would be in the future for a worker
 * that comes at once, and nobody would come again.
 */
export const isDue = (column: string): string => `${column} <= now() + interval '1 millisecond'`

/** SQL that is true for a run that a worker may start now. */
export const IS_STARTABLE = `
  (status = 'queued' AND ${MAY_START} AND (run_at IS NULL OR ${isDue('run_at')})
    AND (expires_at IS NULL OR attempt > 0 OR expires_at > now())
  OR status = 'waiting' AND ${isDue('run_at')})`
