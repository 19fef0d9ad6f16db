import type { Clock } from '../ports/clock.ts'

const LOOK_EVERY_MS = 1_000

interface Watched {
  /** When it was last heard of, in milliseconds since the epoch. */
  readonly heardAt: number
  /** How long it may be silent, which may change. */
  readonly patienceMs: number
}

/**
 * Whether a process that says something every second has fallen silent: no timeout, cancel or signal reaches its
 * runs then. False when it has ended (`ended` aborts). Not at the first look: whoever looks may have stood still
 * itself, and not yet heard what was said.
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
