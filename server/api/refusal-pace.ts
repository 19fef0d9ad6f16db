// A caller who is refused again and again gets each answer later. One refusal costs little, but thousands a
// second would occupy a whole process. A client that waits for its answer before it asks again cannot send
// that many. Valid requests are never delayed.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Principal } from '../contract/principal.ts'
import { ownerOf } from '../ports/owner.ts'

/** A caller whose network is not known has no key: nothing tells it from others, so it is not slowed. */
type Key = string | undefined

/** The network of a caller; undefined if it is not known. */
export type NetworkOf = (origin: {
  remoteAddress: string | undefined
  forwardedFor: string | null | undefined
}) => string | undefined

export interface RefusalPace {
  /** Counts one refusal of this caller. @returns when the caller may get it, in milliseconds of the pace's clock */
  count(key: Key): number
  /** When the caller may get what it was refused last. */
  dueOf(key: Key): number
  /** Resolves at that time. Undefined where that is now. */
  wait(due: number): Promise<unknown> | undefined
}

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
  if (perSecond === false) return UNBOUNDED
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

  return {
    count(key) {
      if (key === undefined) return 0
      const asked = now()
      const usedBy = Math.max(asked, dueBy.get(key) ?? 0) + 1000 / perSecond
      dueBy.delete(key)
      dueBy.set(key, Math.min(usedBy, asked + BURST_MS + MAX_WAIT_MS))
      forget(asked)
      return Math.min(usedBy - BURST_MS, asked + MAX_WAIT_MS)
    },
    dueOf: (key) => (key === undefined ? 0 : (dueBy.get(key) ?? 0) - BURST_MS),
    wait(due) {
      const waitMs = due - now()
      return waitMs > 0 ? wait(waitMs) : undefined
    },
  }
}

const UNBOUNDED: RefusalPace = { count: () => 0, dueOf: () => 0, wait: () => undefined }

/**
 * Without `authenticate` all callers are the same principal, so they are told apart by their network.
 *
 * @param network undefined where it is not known
 */
export function refusalKey(principal: Principal | undefined, network: string | undefined): Key {
  return principal === undefined || principal.kind === 'public' ? network : JSON.stringify(ownerOf(principal))
}
