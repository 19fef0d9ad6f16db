// How long a run waits before its next attempt. One formula serves failed attempts and lost ones.

/** How long a run waits after a failed attempt. */
export interface RetryPolicy {
  /** Milliseconds before the second attempt; doubled for each further one. */
  delayMs: number
  maxDelayMs: number
}

/** @param delayMs the setting `retryDelaySeconds` */
export const retryPolicyOf = (delayMs: number): RetryPolicy => ({ delayMs, maxDelayMs: 60_000 })

/**
 * Exponential with jitter, so that runs that failed together don't come back together.
 *
 * @param failures number of failed attempts, this one included
 * @param chance a random number from 0 up to, not including, 1
 */
export function backoffMs(failures: number, chance: number, { delayMs, maxDelayMs }: RetryPolicy): number {
  return Math.round(Math.min(delayMs * 2 ** (failures - 1), maxDelayMs) * (0.5 + chance / 2))
}

/** `backoffMs` in SQL. All arguments are SQL expressions. */
export function backoffSql(
  failures: string,
  { delayMs, maxDelayMs }: Record<keyof RetryPolicy, string>,
): string {
  const exponent = `LEAST(${failures} - 1, 100)`
  return `round(LEAST(${delayMs}::float8 * 2::float8 ^ ${exponent}, ${maxDelayMs}::float8) * (0.5 + random() / 2))::int`
}
