// A caller who is refused again and again gets each answer later. One refusal costs little, but thousands a
// second would occupy a whole process. A client that waits for its answer before it asks again cannot send
// that many. Valid requests are never delayed.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Principal } from '../contract/principal.ts'
import { ownerOf } from '../ports/owner.ts'

/** Resolves when this caller may get the refusal. */
export type RefusalPace = (key: string) => Promise<void>

/** A caller may use up the refusals of this time at once. */
const BURST_MS = 1_000
const MAX_WAIT_MS = 5_000
const MAX_KEYS = 10_000

interface Time {
  /** Milliseconds of a monotonic clock. */
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
  /** For each caller, the time until which its refusals are used up. The oldest come first. */
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

/** Without `authenticate` all callers are the same principal, so they are told apart by their address. */
export function refusalKey(principal: Principal | undefined, remoteAddress: string | undefined): string {
  return principal === undefined || principal.kind === 'public'
    ? (remoteAddress ?? '')
    : JSON.stringify(ownerOf(principal))
}
