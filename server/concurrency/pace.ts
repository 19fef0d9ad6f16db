import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves when that much more may be done. */
export type Pace = (amount: number) => Promise<void>

interface Time {
  /** Milliseconds, of a clock that nobody sets. */
  now(): number
  sleep(ms: number): Promise<unknown>
}

const REAL: Time = { now: () => performance.now(), sleep: (ms) => sleep(ms) }

/** Spreads work evenly: those who ask take turns, and together do `perSecond` at most. What was not used is not made up for. */
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
