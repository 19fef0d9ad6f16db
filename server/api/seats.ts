import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { Principal } from '../contract/principal.ts'
import type { WatchReader } from './watch-reader.ts'

/** Counts what each principal has open. */
export interface Seats {
  /** Takes one of the principal's places and gives it back on disposal. @throws AgentRuntimeError when all are taken. */
  take(principal: Principal): Disposable
}

/** @param what is counted, in the plural: for the error. */
export function createSeats(limit: number, what: string): Seats {
  const taken = new Map<string, number>()
  return {
    take(principal) {
      const owner = ownerOf(principal)
      const count = taken.get(owner) ?? 0
      if (count >= limit) {
        throw new AgentRuntimeError('rate_limited', `You have ${count} ${what} open, as many as you may.`)
      }
      taken.set(owner, count + 1)
      let isTaken = true
      return {
        [Symbol.dispose]() {
          if (!isTaken) return
          isTaken = false
          const left = (taken.get(owner) ?? 0) - 1
          if (left > 0) taken.set(owner, left)
          else taken.delete(owner)
        },
      }
    },
  }
}

/** Gives each reader that is watched a seat, until nobody watches any more. @throws AgentRuntimeError when all are taken. */
export function seatReaders(watchReader: WatchReader, seats: Seats): WatchReader {
  return (reader) => {
    const seat = seats.take(reader.principal)
    const watch = watchReader(reader)
    return (end) => {
      const unwatch = watch(end)
      return () => {
        unwatch()
        seat[Symbol.dispose]()
      }
    }
  }
}

/** The key of a principal. Claims may change, so they are no part of it. */
export function ownerOf({ tenantId, kind, id }: Principal): string {
  return JSON.stringify([tenantId, kind, id])
}
