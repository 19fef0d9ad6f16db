import type { EventFilter } from '../contract/event.ts'
import type { Principal } from '../contract/principal.ts'
import type { RunSummary } from '../contract/run.ts'
import type { Access } from './access.ts'

/** The ids of those runs, all within the reader's reach, whose events the reader may see with this filter. */
export async function findShownRuns(
  access: Pick<Access, 'may'>,
  principal: Principal,
  { runs, filter }: { runs: readonly RunSummary[]; filter: EventFilter },
): Promise<ReadonlySet<string>> {
  const byId = new Map(runs.map((run) => [run.id, run]))
  const shown = new Set<string>()
  await Promise.all(
    [...byId.values()].map(async (run) => {
      if (!filter.includeDebug || (await access.may(principal, 'includeDebug', { run }))) shown.add(run.id)
    }),
  )
  return shown
}
