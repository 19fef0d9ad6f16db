import type { Clock } from '../ports/clock.ts'

const LOOK_EVERY_MS = 1_000

interface Watched {
  /** When it was last heard of, in milliseconds since the epoch. */
  readonly heardAt: number
  /** How long it may be silent, in milliseconds. This may change. */
  readonly patienceMs: number
}

/**
 * Resolves with true when a process that reports every second has fallen silent: no timeout, cancel or signal reaches its
 * runs then. Resolves with false when it has ended (`ended` aborts). One silent look is not enough, since this process
 * may have stood still itself and not yet heard the reports.
 */
export async function untilBlocked(
  process: Watched,
  { clock, ended }: { clock: Pick<Clock, 'now' | 'sleep'>; ended: AbortSignal },
): Promise<boolean> {
  for (let looks = 0; looks < 2;) {
    await clock.sleep(LOOK_EVERY_MS, ended)
    if (ended.aborted) return false
    looks = clock.now() - process.heardAt > process.patienceMs ? looks + 1 : 0
  }
  return true
}
