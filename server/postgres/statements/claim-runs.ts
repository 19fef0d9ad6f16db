// The transactions of a claim. All runs are claimed together; if the database refuses that, each run is claimed
// separately.
import type pg from 'pg'
import type { ClaimedRun, ClaimResult, RefusedRun } from '../../ports/attempt.ts'
import { StoreFailure } from '../../ports/store/store-failure.ts'
import type { Deliveries, TakenRuns } from '../deliveries/deliveries.ts'
import { claim } from './claim.ts'
import type { ClaimOptions } from './claim.ts'
import { failRefused } from './fail-refused.ts'
import { deliverIsolated } from './isolation.ts'

interface ClaimFrom {
  agentKey: string
  limit: number
}

interface Claims {
  claimed: ClaimedRun[]
  refused: RefusedRun[]
}

/** Claims the taken runs and deletes their deliveries. */
type ClaimTaken = (client: pg.PoolClient, taken: TakenRuns, options: ClaimOptions) => Promise<Claims>

export async function claimRuns(
  deliveries: Deliveries,
  options: ClaimOptions,
  from: ClaimFrom,
): Promise<ClaimResult> {
  try {
    return await claimBy(claimTogether, deliveries, { options, from })
  } catch (error) {
    if (!isRefusal(error)) throw error
    return claimBy(claimApart, deliveries, { options, from })
  }
}

function claimBy(
  claimTaken: ClaimTaken,
  deliveries: Deliveries,
  { options, from }: { options: ClaimOptions; from: ClaimFrom },
): Promise<ClaimResult> {
  return deliveries.taking(from, async (taken, { client, ...delivery }) => {
    const { runIds, mayHaveMore } = taken
    if (runIds.length === 0) return { claimed: [], unclaimed: [], refused: [], isolated: 0, mayHaveMore }
    const { claimed, refused } = await claimTaken(client, taken, options)
    const ids = new Set([...claimed, ...refused].map((run) => run.id))
    const unclaimed = runIds.filter((id) => !ids.has(id))
    if (unclaimed.length > 0) await taken.postpone(unclaimed)
    const { isolatedAgents } = options
    const isolated =
      isolatedAgents === null || unclaimed.length === 0
        ? 0
        : await deliverIsolated(client, { runIds: unclaimed, agentKeys: isolatedAgents }, delivery)
    return { claimed, unclaimed, refused, isolated, mayHaveMore }
  })
}

const claimTogether: ClaimTaken = async (client, taken, options) => {
  const [claimed] = await Promise.all([claim(client, taken.runIds, options), taken.done()])
  return { claimed, refused: [] }
}

// Claims in the order of ids, since all transactions lock runs in that order. Deliveries are deleted first: a statement
// after a savepoint may be rolled back with it.
const claimApart: ClaimTaken = async (client, taken, options) => {
  await taken.done()
  const claims: Claims = { claimed: [], refused: [] }
  for (const id of taken.runIds.toSorted()) {
    await client.query('SAVEPOINT claim')
    try {
      claims.claimed.push(...(await claim(client, [id], options)))
      await client.query('RELEASE SAVEPOINT claim')
    } catch (error) {
      if (!isRefusal(error)) throw error
      await client.query('ROLLBACK TO SAVEPOINT claim')
      const failed = await failRefused(client, id, options.visibilityOf)
      claims.refused.push(...failed.map((run) => ({ ...run, cause: error })))
    }
  }
  return claims
}

function isRefusal(error: unknown): error is StoreFailure {
  return error instanceof StoreFailure && error.kind === 'refused'
}
