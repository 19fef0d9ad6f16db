// Walks of retention where rules differ: each looks at all that is old enough for some rule, batch by batch from where the one
// before it stopped, and begins anew when it has come to its end and is a day old. What a rule keeps is met once a day, and not at each look.
//
// A rule is asked between two transactions, since the application may take its time. So a batch commits only
// where its walk is still at the place that it was read from: of two processes that read the same, one goes on.
import type pg from 'pg'
import type { Sweep } from '../../ports/upkeep.ts'
import { execute } from '../connections/transaction.ts'
import type { Executor } from '../connections/transaction.ts'
import { sweepAlone } from './sweep.ts'

export type Walk = 'conversations' | 'retention'

/** Up to where everything was looked at. The time is PostgreSQL's text, which loses nothing. */
export interface Place {
  at: string
  id: string
}

/** Of the row `s` of a walk. */
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

/** Has `work` do one batch, and the walk go on to `to`. Not where another process has moved it meanwhile. */
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

/** Has a walk begin at the beginning. */
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

/** There are no rules any more, by which something was passed over that has to be looked at again. */
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
 * Locks those of which the rule still holds that was asked about: a session that was claimed meanwhile may have taken what
 * was its visitor's to another tenant.
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
