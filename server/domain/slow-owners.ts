import { ownerOf } from '../ports/owner.ts'
import type { Owner } from '../ports/owner.ts'

/** Owners whose endpoints have hung lately. Entries expire, so that a repaired endpoint gets its full time again. */
export interface SlowOwners {
  /** An owner that is known already keeps the time at which it was added. */
  add(owner: Owner): void
  delete(owner: Owner): void
  has(owner: Owner): boolean
  list(): Owner[]
}

const FORGOTTEN_AFTER_MS = 5 * 60_000
/** The most owners. It is limited, since every look sends all of them to the database. */
const MAX_OWNERS = 1_000

export const ownerKey = (owner: Owner): string => JSON.stringify(ownerOf(owner))

export function createSlowOwners(now: () => number): SlowOwners {
  const owners = new Map<string, { owner: Owner; at: number }>()

  /** Drops expired entries. The map is ordered by age, the oldest first. */
  function forget(): void {
    for (const [key, { at }] of owners) {
      if (owners.size <= MAX_OWNERS && now() - at < FORGOTTEN_AFTER_MS) return
      owners.delete(key)
    }
  }

  return {
    add(owner) {
      forget()
      const key = ownerKey(owner)
      if (owners.has(key)) return
      owners.set(key, { owner, at: now() })
      forget()
    },
    delete(owner) {
      owners.delete(ownerKey(owner))
    },
    has(owner) {
      forget()
      return owners.has(ownerKey(owner))
    },
    list() {
      forget()
      return [...owners.values()].map(({ owner }) => owner)
    },
  }
}
