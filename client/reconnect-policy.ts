export interface ReconnectPolicy {
  /** Milliseconds before the first new try; doubled by each failure. Default: 250. */
  initialDelayMs: number
  /** Upper bound of the delay, in milliseconds. Default: 15,000. */
  maxDelayMs: number
  /** Milliseconds a quiet connection must hold before earlier failures are forgotten. Default: 5,000. */
  stableAfterMs: number
  /** Failures in a row before giving up. Default: `Infinity`. */
  maxFailures: number
}

export const DEFAULT_RECONNECT_POLICY: ReconnectPolicy = {
  initialDelayMs: 250,
  maxDelayMs: 15_000,
  stableAfterMs: 5_000,
  maxFailures: Number.POSITIVE_INFINITY,
}

/**
 * Milliseconds before the next try. `chance` is a random number from 0 up to, not including, 1. Half of the delay is chance, so
 * that viewers do not all return to a restarted server at the same moment.
 */
export function delayMs(failures: number, chance: number, policy: ReconnectPolicy): number {
  const ceiling = Math.min(policy.maxDelayMs, policy.initialDelayMs * 2 ** (failures - 1))
  return ceiling / 2 + (ceiling / 2) * chance
}
