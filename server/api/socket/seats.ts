import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import type { Principal } from '../../contract/principal.ts'

/** Counts the open sockets of each principal. */
export interface Seats {
  /** Takes one of the principal's places and gives it back on disposal. @throws AgentRuntimeError when all are taken. */
  take(principal: Principal): Disposable
}

export function createSeats(limit: number): Seats {
  const taken = new Map<string, number>()
  return {
    take(principal) {
      const owner = ownerOf(principal)
      const count = taken.get(owner) ?? 0
      if (count >= limit) {
        throw new AgentRuntimeError('rate_limited', `You have ${count} sockets open, as many as you may.`)
      }
      taken.set(owner, count + 1)
      return {
        [Symbol.dispose]() {
          const left = (taken.get(owner) ?? 0) - 1
          if (left > 0) taken.set(owner, left)
          else taken.delete(owner)
        },
      }
    },
  }
}

/** The key of a principal. Claims may change, so they are no part of it. */
export function ownerOf({ tenantId, kind, id }: Principal): string {
  return JSON.stringify([tenantId, kind, id])
}
