import type { EventFilter } from '../contract/event.ts'
import type { Principal } from '../contract/principal.ts'
import type { Reach } from '../ports/owner.ts'
import type { ConversationStore } from '../ports/store/conversation-store.ts'
import type { Access } from './access.ts'

/** Runs whose events somebody may see. */
export interface ShownRuns {
  reach: Reach
  ids: ReadonlySet<string>
}

/** @returns null where the reader may see none of them. */
export type FindShownRuns = (
  principal: Principal,
  runIds: readonly string[],
  filter: EventFilter,
) => Promise<ShownRuns | null>

/** Finds which runs of a history its reader may see with this filter: more people may read a conversation than its runs. */
export function createFindShownRuns({
  store,
  access,
}: {
  store: Pick<ConversationStore, 'readSummaries'>
  access: Pick<Access, 'reach' | 'may'>
}): FindShownRuns {
  return async (principal, runIds, filter) => {
    const reach = await access.reach(principal, 'run')
    if (reach === null) return null
    const runs = await store.readSummaries(reach, runIds)
    const allowed = await Promise.all(
      runs.map(async (run) => !filter.includeDebug || (await access.may(principal, 'includeDebug', { run }))),
    )
    const ids = new Set(runs.filter((_, index) => allowed[index]).map(({ id }) => id))
    return ids.size === 0 ? null : { reach, ids }
  }
}
