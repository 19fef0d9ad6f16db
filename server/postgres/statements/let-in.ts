// Lets parked runs in when others end: as many as each tenant has room for, by priority and age.
import type pg from 'pg'
import type { Owner } from '../../ports/owner.ts'
import type { QueuedRun } from '../../ports/queue.ts'
import type { RunsAtOnce } from '../../ports/runs-at-once.ts'
import type { ParkedCursor } from '../../ports/store/gate-store.ts'
import type { Deliver } from '../deliveries/deliveries.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import { distinct, GATES, isParkedAt, laneValues, LANES, lockGates } from './gates.ts'

/** How many principals, and how many tenants, one look covers. */
const MAX_LANES = 500

const mayPass = (name: keyof typeof GATES) => `${isParkedAt(name)} AND ${GATES[name].room} > 0`

// The answer is mostly no, and this takes no lock.
const FIND = {
  name: 'gate_find',
  text: `
    SELECT tenant_id AS "tenantId", owner_id AS id, owner_kind AS kind FROM ${LANES}
    WHERE ${mayPass('principal')} OR ${mayPass('tenant')}`,
}

// SKIP LOCKED: a run that is being cancelled at this moment is skipped.
const pass = (name: keyof typeof GATES) => {
  const { parked, room, lane, next } = GATES[name]
  return {
    name: `gate_pass_${name}`,
    text: `
    UPDATE agent_runtime.run r SET gate = '${next}'
    WHERE r.id = ANY (ARRAY(
      SELECT first.id FROM (SELECT DISTINCT ${lane} FROM ${LANES}) AS l
      CROSS JOIN LATERAL (
        SELECT p.id FROM ${parked}
        LIMIT (${room})
        FOR NO KEY UPDATE SKIP LOCKED) AS first))
    RETURNING r.id, r.agent_key AS "agentKey", r.priority, r.last_seq AS "lastSeq"`,
  }
}

const PASS_PRINCIPAL = pass('principal')
const PASS_TENANT = pass('tenant')

export async function letIn(
  pool: pg.Pool,
  { owners, runsAtOnce }: { owners: readonly Owner[]; runsAtOnce: RunsAtOnce },
  deliver: Deliver,
): Promise<void> {
  const open = await execute<Owner & pg.QueryResultRow>(pool, FIND, laneValues(distinct(owners), runsAtOnce))
  if (open.length === 0) return
  const lanes = laneValues(open, runsAtOnce)
  await inTransaction(pool, async (client, tx) => {
    const [, , runs] = await Promise.all([
      lockGates(client, open, runsAtOnce),
      execute(client, PASS_PRINCIPAL, lanes),
      execute<QueuedRun>(client, PASS_TENANT, lanes),
    ])
    if (runs.length > 0) await deliver(runs, tx)
  })
}

// Runs that wait for their turn are left out: they come to the gates when they get it.
const ARRIVE = {
  text: `
    UPDATE agent_runtime.run SET gate = 'principal'
    WHERE id = ANY (ARRAY(
      SELECT id FROM agent_runtime.run
      WHERE gate = 'later' AND status = 'queued' AND turn IS NULL AND run_at <= now()
      ORDER BY run_at
      LIMIT 500
      FOR NO KEY UPDATE SKIP LOCKED))`,
}

const LANE = 'tenant_id, owner_id, owner_kind'

/**
 * SQL for the lanes with parked runs. It goes from one lane to the next by the index, however many runs are parked in
 * each.
 */
const lanesOf = (name: string, { gate, key, after }: { gate: string; key: string; after: string }) => {
  const next = (condition: string) => `
      SELECT ${LANE} FROM agent_runtime.run
      WHERE gate = '${gate}' AND status = 'queued' AND ${condition}
      ORDER BY ${key} LIMIT 1`
  return `${name} AS (
      SELECT 1 AS place, first.* FROM (${next(after)}) AS first
      UNION ALL
      SELECT l.place + 1, following.* FROM ${name} l CROSS JOIN LATERAL (
        ${next(`(${key}) > (${key.replaceAll(/\w+/g, 'l.$&')})`)}) AS following
      WHERE l.place < ${MAX_LANES}
    )`
}

// Has no name, so that it is planned for the given cursor.
const FIND_LANES = {
  text: `
    WITH RECURSIVE ${lanesOf('by_principal', {
      gate: 'principal',
      key: LANE,
      after: `($1::text IS NULL OR (${LANE}) > ($1, $2::text, $3::text))`,
    })}, ${lanesOf('by_tenant', {
      gate: 'tenant',
      key: 'tenant_id',
      after: '($4::text IS NULL OR tenant_id > $4)',
    })}
    SELECT 'principal' AS gate, place, tenant_id AS "tenantId", owner_id AS id, owner_kind AS kind FROM by_principal
    UNION ALL
    SELECT 'tenant', place, tenant_id, owner_id, owner_kind FROM by_tenant`,
}

type LaneRow = Owner & { gate: 'principal' | 'tenant'; place: number }

/** A process that parks or ends a run lets runs in itself. This is for processes that died before they did. */
export async function letInParked(
  pool: pg.Pool,
  { after, runsAtOnce }: { after: ParkedCursor; runsAtOnce: RunsAtOnce },
  deliver: Deliver,
): Promise<ParkedCursor> {
  const { principal, tenantId } = after
  await execute(pool, ARRIVE, [])
  const lanes = await execute<LaneRow>(pool, FIND_LANES, [
    principal?.tenantId ?? null,
    principal?.id ?? null,
    principal?.kind ?? null,
    tenantId,
  ])
  await letIn(pool, { owners: lanes, runsAtOnce }, deliver)
  const last = (gate: LaneRow['gate']) =>
    lanes.find((lane) => lane.gate === gate && lane.place === MAX_LANES) ?? null
  return { principal: last('principal'), tenantId: last('tenant')?.tenantId ?? null }
}
