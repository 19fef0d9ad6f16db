import type { Clock } from '../ports/clock.ts'

const LOOK_EVERY_MS = 1_000

interface Watched {
  /** When its last message came, in milliseconds since the epoch. */
  readonly heardAt: number
  /** How long it may be silent; this may change. */
  readonly patienceMs: number
}

/**
 * Whether a process that sends a message every second has fallen silent: no timeout, cancel or signal reaches
 * its runs then. False when it has ended (`ended` aborts). One look is not enough: this process may have
 * stood still itself and not yet read the messages.
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
