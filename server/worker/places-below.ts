import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { ClaimedRun } from '../ports/attempt.ts'
import type { FamilyStore } from '../ports/store/family-store.ts'

/**
 * Takes a place for a run among all that are below the one that nobody started. Places that are asked for at once are taken by one statement.
 * One that was taken is never given back: also where the attempt ends before the run is stored.
 *
 * @throws AgentRuntimeError `conflict` when there is none.
 */
export type TakePlaceBelow = () => Promise<void>

export function createPlacesBelow(
  store: Pick<FamilyStore, 'takePlacesBelow'>,
  { id }: Pick<ClaimedRun, 'id'>,
  max: number,
): TakePlaceBelow {
  let asked: { count: number; taken: Promise<number> } | undefined

  async function takeAll(): Promise<number> {
    // Those that are asked for in the same turn of the event loop are counted by then.
    await Promise.resolve()
    const { count } = asked as { count: number }
    asked = undefined
    return store.takePlacesBelow(id, { count, max })
  }

  return async () => {
    asked ??= { count: 0, taken: takeAll() }
    const place = (asked.count += 1)
    if (place <= (await asked.taken)) return
    throw new AgentRuntimeError('conflict', `Below one run there may be ${max} others, and no more.`)
  }
}
