import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves when this amount of work may be done. */
export type Pace = (amount: number) => Promise<void>

interface Time {
  /** Milliseconds of a monotonic clock. */
  now(): number
  sleep(ms: number): Promise<unknown>
}

const REAL: Time = { now: () => performance.now(), sleep: (ms) => sleep(ms) }

/**
 * Spreads work evenly: callers take turns, and together do at most `perSecond`. Unused time is not made up for. False
 * means no limit.
 */
export function createPace(perSecond: number | false, { now, sleep: wait }: Time = REAL): Pace {
  if (perSecond === false) return async () => {}
  let freeAt = -Infinity
  return async (amount) => {
    const asked = now()
    const at = Math.max(asked, freeAt)
    freeAt = at + (amount * 1000) / perSecond
    if (at > asked) await wait(at - asked)
  }
}
