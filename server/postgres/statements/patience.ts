// Limits how long a statement waits for locked rows, where the limit of its session is too long.

/**
 * A CTE `patience` that limits the wait of its own statement. The part that locks rows must join it, so that it is
 * evaluated first. The limit ends with the transaction, and costs no round trip.
 *
 * @param milliseconds a parameter
 */
export function havingPatience(milliseconds: string): string {
  return `patience AS MATERIALIZED (SELECT set_config('lock_timeout', ${milliseconds}::text, true))`
}

const LOCK_NOT_AVAILABLE = '55P03'

/** Whether an error, or its cause, says that rows were locked for too long. */
export function isLockTimeout(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('code' in error && error.code === LOCK_NOT_AVAILABLE) || isLockTimeout(error.cause)
}
