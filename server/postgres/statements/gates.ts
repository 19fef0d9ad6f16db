// Gates limit the runs at once of principals and tenants. A run passes first its principal's gate, then its tenant's. A
// run that finds no room is parked: its row says so, and it has no delivery in any queue. Runs are counted anew each
// time, in a partial index, so there is no counter that could be wrong. A transaction that counts and lets in holds the
// tenant's lock; one that ends a run needs none.
import type pg from 'pg'
import type { NewRun } from '../../ports/create-run.ts'
import type { Owner } from '../../ports/owner.ts'
import { limitsOf } from '../../ports/runs-at-once.ts'
import type { RunsAtOnce } from '../../ports/runs-at-once.ts'
import { execute } from '../connections/transaction.ts'
import { ownerColumns, ownerValues } from '../owned-by.ts'

export type Gate = 'later' | 'principal' | 'tenant' | 'passed'

/** SQL condition: a queued run waits neither for its turn nor at a gate. */
export const MAY_START = `turn IS NULL AND (gate IS NULL OR gate = 'passed')`

/** How many runs are let in at once when the limit was removed. */
const MAX_LET_IN = 500

/** SQL for the parameters of {@link laneValues}: the lanes of owners, with their limits. */
export const LANES = `unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[])
      AS l (tenant_id, owner_id, owner_kind, principal_limit, tenant_limit)`

export function laneValues(owners: readonly Owner[], runsAtOnce: RunsAtOnce): unknown[] {
  const limits = owners.map((owner) => limitsOf(owner, runsAtOnce))
  return [
    ...ownerColumns(owners),
    limits.map(({ principal }) => principal),
    limits.map(({ tenant }) => tenant),
  ]
}

const ofPrincipal = (r: string) =>
  `${r}.tenant_id = l.tenant_id AND ${r}.owner_id = l.owner_id AND ${r}.owner_kind = l.owner_kind`
const ofTenant = (r: string) => `${r}.tenant_id = l.tenant_id`

// Uses the conditions and the order of the partial indexes. Otherwise the planner, by its estimate of the matching
// rows, would often read the whole table.
const counted = (where: string, { order, limit }: { order: string; limit: string }) => `(
    SELECT count(*) FROM (
      SELECT FROM agent_runtime.run c
      WHERE ${where} AND c.gate IN ('tenant', 'passed') AND c.status IN ('queued', 'running')
      ORDER BY ${order}
      LIMIT ${limit}) AS counted)`

const within = (limit: string, counts: readonly string[]) => `
  CASE WHEN ${limit} IS NULL THEN ${MAX_LET_IN}
    ELSE LEAST(${MAX_LET_IN}, GREATEST(0, ${limit} - ${counts.join(' - ')})) END`

const countedOfPrincipal = (gate: Gate) =>
  counted(`${ofPrincipal('c')} AND c.gate = '${gate}'`, { order: 'c.id', limit: 'l.principal_limit' })
const countedOfTenant = counted(`${ofTenant('c')} AND c.gate = 'passed'`, {
  order: 'c.owner_id, c.owner_kind, c.id',
  limit: 'l.tenant_limit',
})

/** SQL for each gate, for a lane `l`: the parked runs in their order as a table `p`, and how many more may pass. */
export const GATES = {
  principal: {
    parked: `agent_runtime.run p WHERE ${ofPrincipal('p')} AND p.gate = 'principal' AND p.status = 'queued'
        ORDER BY p.priority DESC, p.id`,
    room: within('l.principal_limit', [countedOfPrincipal('tenant'), countedOfPrincipal('passed')]),
    next: 'tenant',
    lane: 'tenant_id, owner_id, owner_kind, principal_limit',
  },
  tenant: {
    parked: `agent_runtime.run p WHERE ${ofTenant('p')} AND p.gate = 'tenant' AND p.status = 'queued'
        ORDER BY p.priority DESC, p.id`,
    room: within('l.tenant_limit', [countedOfTenant]),
    next: 'passed',
    lane: 'tenant_id, tenant_limit',
  },
} as const

/** SQL condition: runs of the lane `l` are parked at the gate. */
export const isParkedAt = (name: keyof typeof GATES): string =>
  `(SELECT p.id FROM ${GATES[name].parked} LIMIT 1) IS NOT NULL`

// Ordered by their hashes, so that all transactions lock them in one order.
const LOCK = {
  name: 'gate_lock',
  text: `
    SELECT pg_advisory_xact_lock(key) FROM (
      SELECT DISTINCT hashtextextended(name, 7201) AS key FROM unnest($1::text[]) AS k (name) ORDER BY 1
    ) AS keys`,
}

/**
 * Locks the gates of these owners: until the transaction ends, nobody else lets their runs pass. Conversations must be
 * locked before.
 */
export async function lockGates(
  client: pg.PoolClient,
  owners: readonly Owner[],
  runsAtOnce: RunsAtOnce,
): Promise<void> {
  const keys = owners.map((owner) =>
    limitsOf(owner, runsAtOnce).tenant === null ? JSON.stringify(ownerValues(owner)) : owner.tenantId,
  )
  await execute(client, LOCK, [keys])
}

// Parked runs go first: if there are any, there is no room for new ones.
const room = (name: keyof typeof GATES) => `CASE WHEN ${isParkedAt(name)} THEN 0 ELSE ${GATES[name].room} END`

const ROOM = {
  name: 'gate_room',
  text: `
    SELECT tenant_id AS "tenantId", owner_id AS id, owner_kind AS kind,
      CASE WHEN principal_limit IS NOT NULL THEN ${room('principal')} END::int AS principal,
      CASE WHEN tenant_limit IS NOT NULL THEN ${room('tenant')} END::int AS tenant,
      now() AS now
    FROM ${LANES}`,
}

interface RoomRow extends Owner {
  /** Null when there is no limit. */
  principal: number | null
  tenant: number | null
  now: Date
}

interface Left {
  count: number
}

/** Returns the gate of a new run. As long as there is room, the run passes and takes a place. */
export type GateOf = (run: NewRun, waitsForTurn: boolean) => Gate | null

/** Counts the runs that passed, under the lock of the tenants of `runs`. */
export async function openGates(
  client: pg.PoolClient,
  runs: readonly NewRun[],
  runsAtOnce: RunsAtOnce,
): Promise<GateOf> {
  const owners = distinct(runs.flatMap(({ isLimited, principal }) => (isLimited ? [principal] : [])))
  if (owners.length === 0) return () => null
  // Both statements are sent in one write. The second begins after the lock was taken, so it sees everything committed
  // before.
  const [, rows] = await Promise.all([
    lockGates(client, owners, runsAtOnce),
    execute<RoomRow>(client, ROOM, laneValues(owners, runsAtOnce)),
  ])
  const tenants = new Map<string, Left>()
  const lanes = new Map<string, { principal: Left; tenant: Left; now: Date }>()
  for (const { principal, tenant, now, ...owner } of rows) {
    const ofTenant = tenants.get(owner.tenantId) ?? { count: tenant ?? Infinity }
    tenants.set(owner.tenantId, ofTenant)
    lanes.set(nameOf(owner), { principal: { count: principal ?? Infinity }, tenant: ofTenant, now })
  }
  return ({ isLimited, principal, runAt }, waitsForTurn) => {
    const lane = lanes.get(nameOf(principal))
    if (!isLimited || lane === undefined) return null
    if (waitsForTurn || (runAt !== null && Date.parse(runAt) > lane.now.getTime())) return 'later'
    for (const gate of ['principal', 'tenant'] as const) {
      if (lane[gate].count <= 0) return gate
      lane[gate].count -= 1
    }
    return 'passed'
  }
}

export function distinct(owners: readonly Owner[]): Owner[] {
  return [...new Map(owners.map((owner) => [nameOf(owner), owner])).values()]
}

function nameOf(owner: Owner): string {
  return JSON.stringify(ownerValues(owner))
}
