// Whoever is refused again and again is answered later each time. It costs little to be refused, but thousands a second would
// take all of a process: those who wait for an answer before they ask again can't send as many. What is right is never delayed.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Principal } from '../contract/principal.ts'
import { ownerOf } from '../ports/owner.ts'

/** Resolves when that one may be told. */
export type RefusalPace = (key: string) => Promise<void>

/** What one may be refused at once is what they may be refused in this time. */
const BURST_MS = 1_000
const MAX_WAIT_MS = 5_000
const MAX_KEYS = 10_000

interface Time {
  /** Milliseconds, of a clock that nobody sets. */
  now(): number
  sleep(ms: number): Promise<unknown>
}

/** @param stopping ends all waiting. */
export function createRefusalPace(
  perSecond: number | false,
  stopping: AbortSignal,
  given?: Time,
): RefusalPace {
  if (perSecond === false) return async () => {}
  const { now, sleep: wait } = given ?? {
    now: () => performance.now(),
    sleep: (ms: number) => sleep(ms, undefined, { signal: stopping }).catch(() => {}),
  }
  /** By when each will have been refused as often as it may. The oldest come first. */
  const dueBy = new Map<string, number>()

  function forget(asked: number): void {
    for (const [key, at] of dueBy) {
      if (at > asked && dueBy.size <= MAX_KEYS) return
      dueBy.delete(key)
    }
  }

  return async (key) => {
    const asked = now()
    const at = Math.max(asked, dueBy.get(key) ?? 0) + 1000 / perSecond
    dueBy.delete(key)
    dueBy.set(key, Math.min(at, asked + BURST_MS + MAX_WAIT_MS))
    forget(asked)
    const waitMs = Math.min(at - asked - BURST_MS, MAX_WAIT_MS)
    if (waitMs > 0) await wait(waitMs)
  }
}

/** Where nobody has to say who they are, all are the same one: there they are told by their address. */
export function refusalKey(principal: Principal | undefined, remoteAddress: string | undefined): string {
  return principal === undefined || principal.kind === 'public'
    ? (remoteAddress ?? '')
    : JSON.stringify(ownerOf(principal))
}
