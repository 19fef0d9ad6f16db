import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { ClaimedRun, KnownWait } from '../ports/attempt.ts'
import type { FamilyStore } from '../ports/store/family-store.ts'
import type { ReadKnownWaits } from './known-waits.ts'

/**
 * Takes a place for a run among all that are below the one that nobody started. Places that are asked for at once are taken by one statement.
 * If the attempt fails before the run is stored, the place is there for the next attempt.
 *
 * @throws AgentRuntimeError `conflict` when there is none.
 */
export type TakePlaceBelow = () => Promise<void>

export function createPlacesBelow(
  store: Pick<FamilyStore, 'takePlacesBelow'>,
  { run: { id }, readSettled }: { run: Pick<ClaimedRun, 'id'>; readSettled: ReadKnownWaits },
  max: number,
): TakePlaceBelow {
  let count = 0
  let taking: Promise<number> | undefined

  async function takeAll(): Promise<number> {
    const known = await readSettled()
    // Those that are asked for in the same turn of the event loop are counted by then.
    await Promise.resolve()
    taking = undefined
    const stored = [...known.values()].reduce((sum, wait) => sum + placesOf(wait), 0)
    return store.takePlacesBelow(id, { stored, count, max })
  }

  return async () => {
    count += 1
    const place = count
    taking ??= takeAll()
    if (place <= (await taking)) return
    throw new AgentRuntimeError('conflict', `Below one run there may be ${max} others, and no more.`)
  }
}

/** The run that the end of a child leads to has one too. */
function placesOf({ childId, onEnd }: KnownWait): number {
  if (childId === null) return 0
  return onEnd === null ? 1 : 2
}
