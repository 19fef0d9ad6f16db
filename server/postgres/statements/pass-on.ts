import type pg from 'pg'
import type { Owner } from '../../ports/owner.ts'
import type { PassedOn, SentStore } from '../../ports/store/sent-store.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import type { Deliver } from '../deliveries/deliveries.ts'
import { createCarefully } from './create-runs.ts'
import type { CreateSettings } from './create-runs.ts'
import { heirOf } from './left-messages.ts'
import { lockSessions } from './lock-sessions.ts'
import { moveToFront } from './queued-turns.ts'

const FROM = {
  name: 'pass_on_from',
  text: `
    SELECT tenant_id AS "tenantId", owner_id AS id, owner_kind AS kind, branch FROM agent_runtime.run WHERE id = $1`,
}

const SETTLE = {
  name: 'pass_on_settle',
  text: `
    UPDATE agent_runtime.sent_message SET left_at = NULL, next_run_id = $2
    WHERE run_id = $1 AND left_at IS NOT NULL AND position = ANY ($3::int[])`,
}

// A run that ends of others have called for is below the run that started those, so what bounds a family bounds it.
const PUT_BELOW = {
  name: 'pass_on_put_below',
  text: `
    UPDATE agent_runtime.run r SET
      parent_run_id = p.id, root_run_id = COALESCE(p.root_run_id, p.id), depth = COALESCE(p.depth, 0) + 1, detached = true
    FROM agent_runtime.run p
    WHERE r.id = $1 AND p.id = $2`,
}

// The lock keeps the run from being cancelled and from getting its turn.
const LOCK_HEIR = {
  name: 'pass_on_lock_heir',
  text: `
    SELECT h.id FROM agent_runtime.run r
    CROSS JOIN LATERAL (${heirOf('r')}
    ) AS heir
    JOIN agent_runtime.run h ON h.id = heir.id
    WHERE r.id = $1 AND h.turn IS NOT NULL AND h.status = 'queued'
    FOR NO KEY UPDATE OF h`,
}

const JOIN = {
  name: 'pass_on_join',
  text: `
    WITH passed AS (
      UPDATE agent_runtime.sent_message SET left_at = NULL, next_run_id = $2
      WHERE run_id = $1 AND left_at IS NOT NULL
      RETURNING position, body
    )
    INSERT INTO agent_runtime.message (run_id, position, conversation_id, origin, body)
    SELECT $2, input.size + row_number() OVER (ORDER BY p.position), $3, 'input', p.body
    FROM passed p CROSS JOIN (
      SELECT COALESCE(max(m.position), -1) AS size FROM agent_runtime.message m
      WHERE m.run_id = $2 AND m.origin = 'input'
    ) AS input`,
}

/**
 * Creates the next run. What people said comes right after the ended run, on its branch, and before runs that wait. Ends
 * alone come behind these, on the chosen branch.
 */
export async function passOn(
  pool: pg.Pool,
  [from, next]: Parameters<SentStore['passOn']>,
  { deliver, ...settings }: CreateSettings & { deliver: Deliver },
): Promise<PassedOn> {
  if (next === null) return join(pool, from)
  return inTransaction(pool, async (client, tx) => {
    // After this lock the run's row has the present owner: a visitor may have become a user.
    await lockSessions(client, [from.owner])
    const [found] = await execute<Owner & { branch: number }>(client, FROM, [from.runId])
    if (found === undefined) return { kind: 'no-conversation' }
    const { branch, ...owner } = found
    const [answer = { kind: 'no-conversation' as const }] = await createCarefully(client, {
      ...settings,
      asked: [{ ...next, principal: owner }],
      holdBranch: async () => (from.isOnlyEnds ? undefined : branch),
      deliver: (runs) => deliver(runs, tx),
    })
    if (answer.kind === 'created') {
      if (from.tellsOfEnds) await execute(client, PUT_BELOW, [answer.run.id, from.runId])
      if (!from.isOnlyEnds) {
        await moveToFront(client, { conversationId: from.conversationId, runId: answer.run.id })
      }
      await execute(client, SETTLE, [from.runId, answer.run.id, from.positions])
    } else if (answer.kind === 'existing') {
      // That run has the first message, which its key names. The next look passes on what was left since then.
      await execute(client, SETTLE, [from.runId, answer.run.id, from.positions.slice(0, 1)])
    } else if (answer.kind === 'no-conversation') {
      // The conversation was deleted, with all its messages.
      await execute(client, SETTLE, [from.runId, null, from.positions])
    }
    return answer
  })
}

function join(
  pool: pg.Pool,
  { runId, conversationId }: Parameters<SentStore['passOn']>[0],
): Promise<PassedOn> {
  return inTransaction(pool, async (client) => {
    const [heir] = await execute<{ id: string }>(client, LOCK_HEIR, [runId])
    if (heir === undefined) return { kind: 'begun' }
    await execute(client, JOIN, [runId, heir.id, conversationId])
    return { kind: 'joined' }
  })
}
