import type { Clock } from '../ports/clock.ts'

/** A process that says nothing for so long is blocked: no timeout or cancel can reach its runs. */
export const BLOCKED_AFTER_MS = 30_000
const LOOK_EVERY_MS = 5_000

/**
 * Whether a process that says something every second has fallen silent; false when it has ended (`ended` aborts).
 * Not at the first look: whoever looks may have stood still itself, and not yet heard what was said.
 */
export async function untilBlocked(
  process: { readonly heardAt: number },
  { clock, ended }: { clock: Pick<Clock, 'now' | 'sleep'>; ended: AbortSignal },
): Promise<boolean> {
  for (let looks = 0; looks < 2;) {
    await clock.sleep(LOOK_EVERY_MS, ended)
    if (ended.aborted) return false
    looks = clock.now() - process.heardAt > BLOCKED_AFTER_MS ? looks + 1 : 0
  }
  return true
}
