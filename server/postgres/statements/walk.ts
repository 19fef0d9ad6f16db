// Walks of retention with rules. A walk visits everything that is old enough for some rule, batch by batch. It begins
// anew when it has reached the end and is a day old. So rows that a rule keeps are visited once a day, not at every
// look.
//
// A rule is asked between two transactions, since the application may be slow. So a batch only commits if the walk is
// still at the place from which the batch was read. If two processes read the same batch, only one commits.
import type pg from 'pg'
import type { Sweep } from '../../ports/upkeep.ts'
import { execute } from '../connections/transaction.ts'
import type { Executor } from '../connections/transaction.ts'
import { sweepAlone } from './sweep.ts'

export type Walk = 'conversations' | 'retention'

/** The place up to which everything was visited. The time is PostgreSQL's text, which loses no precision. */
export interface Place {
  at: string
  id: string
}

/** The select list for the row `s` of a walk. */
export const PLACE = `
  s.at::text AS "fromAt", s.id AS "fromId", s.begun_at IS NULL AS "isNew",
  COALESCE(s.begun_at < now() - interval '1 day', true) AS "isDayOld"`

export interface PlaceRow {
  fromAt: string
  fromId: string
  isNew: boolean
  isDayOld: boolean
}

const MOVE_ON = {
  name: 'walk_move_on',
  text: `
    UPDATE agent_runtime.sweep SET at = $4::timestamptz, id = $5
    WHERE name = $1 AND at = $2::timestamptz AND id = $3
    RETURNING name`,
}

/** Runs `work` for one batch and moves the walk to `to`, unless another process has moved it meanwhile. */
export async function walkOn(
  pool: pg.Pool,
  { walk, from, to }: { walk: Walk; from: Place; to: Place },
  work: (executor: Executor) => Promise<number>,
): Promise<Sweep> {
  return sweepAlone(pool, walk, async (client) => {
    const moved = await execute(client, MOVE_ON, [walk, from.at, from.id, to.at, to.id])
    if (moved.length === 0) return { rows: 0, isDone: true }
    return { rows: await work(client), isDone: false }
  })
}

const FIRST_ID = '00000000-0000-0000-0000-000000000000'

const BEGIN = {
  name: 'walk_begin',
  text: `
    UPDATE agent_runtime.sweep SET at = 'epoch', id = '${FIRST_ID}', begun_at = now()
    WHERE name = $1 AND at = $2::timestamptz AND id = $3
    RETURNING name`,
}

/** Starts a walk from the beginning. */
export async function beginWalk(pool: pg.Pool, walk: Walk, from: Place): Promise<Sweep> {
  return sweepAlone(pool, walk, async (client) => {
    const begun = await execute(client, BEGIN, [walk, from.at, from.id])
    return { rows: 0, isDone: begun.length === 0 }
  })
}

const FORGET = {
  name: 'walk_forget',
  text: `
    UPDATE agent_runtime.sweep SET id = '${FIRST_ID}', begun_at = NULL
    WHERE name = $1 AND begun_at IS NOT NULL`,
}

/** Called when there are no rules any more. Rows that a rule kept must be visited again, so the walk is reset. */
export async function forgetWalk(client: Executor, walk: Walk): Promise<void> {
  await execute(client, FORGET, [walk])
}

const LOCK_SAME = (table: 'conversation' | 'run') => ({
  name: `walk_lock_${table}`,
  text: `
    SELECT t.id FROM agent_runtime.${table} t
    JOIN unnest($1::uuid[], $2::text[], $3::text[]) AS met (id, tenant_id, agent_key)
      ON met.id = t.id AND met.tenant_id = t.tenant_id AND met.agent_key IS NOT DISTINCT FROM t.agent_key
    ORDER BY t.id
    FOR UPDATE OF t`,
})
const LOCK = { conversation: LOCK_SAME('conversation'), run: LOCK_SAME('run') }

/**
 * Locks those rows whose tenant and agent are still those for which the rule was asked. A session that was claimed
 * meanwhile may have moved its visitor's rows to another tenant.
 */
export async function lockSame(
  client: Executor,
  table: 'conversation' | 'run',
  met: readonly { id: string; tenantId: string; agentKey: string | null }[],
): Promise<ReadonlySet<string>> {
  const locked = await execute<{ id: string }>(client, LOCK[table], [
    met.map(({ id }) => id),
    met.map(({ tenantId }) => tenantId),
    met.map(({ agentKey }) => agentKey),
  ])
  return new Set(locked.map(({ id }) => id))
}
