// How long a statement waits for rows that somebody holds, where the limit of its session is too long.

/**
 * A CTE `patience` that limits the wait of its own statement: what locks rows has to join it, so that it is
 * evaluated before. It ends with the statement's transaction, and costs no round trip.
 *
 * @param milliseconds a parameter
 */
export function havingPatience(milliseconds: string): string {
  return `patience AS MATERIALIZED (SELECT set_config('lock_timeout', ${milliseconds}::text, true))`
}

const LOCK_NOT_AVAILABLE = '55P03'

/** Whether an error, or what caused it, says that rows were held for too long. */
export function isLockTimeout(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('code' in error && error.code === LOCK_NOT_AVAILABLE) || isLockTimeout(error.cause)
}
