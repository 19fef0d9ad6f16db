// Deletes what is older than it is to be kept: runs that ended, with all that is theirs, then conversations
// that have none left. Locks are taken in the order of everybody who creates: conversation, then run.
import type pg from 'pg'
import type { Sweep } from '../../ports/upkeep.ts'
import { execute } from '../connections/transaction.ts'
import type { Executor } from '../connections/transaction.ts'
import { detachBranches } from './detach-branches.ts'
import { withNamedFiles } from './named-files.ts'
import { MAX_EVENTS, MAX_RUNS, sweepAlone } from './sweep.ts'

const PICK = {
  name: 'retention_pick',
  text: `
    SELECT id FROM (
      SELECT id, sum(last_seq) OVER (ORDER BY finished_at, id) - last_seq AS events_before
      FROM (
        SELECT id, finished_at, last_seq FROM agent_runtime.run
        WHERE finished_at < now() - $1 * interval '1 millisecond'
        ORDER BY finished_at, id
        LIMIT ${MAX_RUNS}
      ) oldest
    ) batch
    WHERE events_before < ${MAX_EVENTS}`,
}

// The lock is a statement of its own, before the delete. The delete then sees a run that was created while this
// waited for its conversation. In one statement it would not, and would delete that run's conversation.
const LOCK_CONVERSATIONS = {
  name: 'retention_lock_conversations',
  text: `
    SELECT id FROM agent_runtime.conversation c
    WHERE id = ANY (ARRAY (SELECT conversation_id FROM agent_runtime.run WHERE id = ANY ($1::uuid[])))
      AND NOT EXISTS (
        SELECT FROM agent_runtime.run r WHERE r.conversation_id = c.id AND r.id <> ALL ($1::uuid[]))
    ORDER BY id
    FOR UPDATE`,
}

const DELETE_EVENTS = {
  name: 'retention_delete_events',
  text: `DELETE FROM agent_runtime.event WHERE run_id = ANY ($1::uuid[])`,
}

const DELETE_RUNS = {
  name: 'retention_delete_runs',
  text: `DELETE FROM agent_runtime.run WHERE id = ANY ($1::uuid[])`,
}

/**
 * Deletes runs whose rows are locked, or that are over. Messages, steps, waits and checkpoints go with their run.
 *
 * @returns how many files went along.
 */
export async function deleteWithAll(executor: Executor, runIds: readonly string[]): Promise<number> {
  await execute(executor, DELETE_EVENTS, [runIds])
  return withNamedFiles(executor, runIds, () => execute(executor, DELETE_RUNS, [runIds]))
}

/**
 * Ids begin with the milliseconds at which they were made: this is the least that is not old enough. What is kept for longer
 * than since 1970 never is; below zero, the hexadecimal number would be the largest there is.
 */
const YOUNG = `
  (lpad(to_hex(GREATEST(0, extract(epoch FROM now()) * 1000 - $2)::bigint), 12, '0') || repeat('0', 20))::uuid`

const DELETE_CONVERSATIONS = {
  name: 'retention_delete_conversations',
  text: `
    DELETE FROM agent_runtime.conversation c
    WHERE id = ANY ($1::uuid[]) AND id < ${YOUNG}
      AND NOT EXISTS (SELECT FROM agent_runtime.run r WHERE r.conversation_id = c.id)`,
}

export async function deleteRuns(pool: pg.Pool, ageMs: number): Promise<Sweep> {
  return sweepAlone(pool, 'retention', async (client) => {
    const runs = await execute<{ id: string }>(client, PICK, [ageMs])
    if (runs.length === 0) return { rows: 0, isDone: true }
    const ids = runs.map(({ id }) => id)
    const conversations = await execute<{ id: string }>(client, LOCK_CONVERSATIONS, [ids])
    await detachBranches(client, ids)
    await deleteWithAll(client, ids)
    if (conversations.length > 0) {
      await execute(client, DELETE_CONVERSATIONS, [conversations.map(({ id }) => id), ageMs])
    }
    return { rows: ids.length, isDone: false }
  })
}

// Conversations that never had a run: each is looked at once, when it is old enough. One that has runs by
// then goes with the last of them.
const PICK_CONVERSATIONS = {
  name: 'retention_pick_conversations',
  text: `
    SELECT c.id, NOT EXISTS (SELECT FROM agent_runtime.run r WHERE r.conversation_id = c.id) AS "isEmpty"
    FROM agent_runtime.sweep s
    CROSS JOIN LATERAL (
      SELECT id FROM agent_runtime.conversation
      WHERE id > s.id AND id < ${YOUNG.replace('$2', '$1')}
      ORDER BY id
      LIMIT ${MAX_RUNS}
    ) c
    WHERE s.name = 'conversations'
    ORDER BY c.id`,
}

const LOCK_EMPTY = {
  name: 'retention_lock_empty',
  text: `SELECT FROM agent_runtime.conversation WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE`,
}

const MOVE_ON = {
  name: 'retention_move_on',
  text: `UPDATE agent_runtime.sweep SET at = now(), id = $1 WHERE name = 'conversations'`,
}

export async function deleteEmptyConversations(pool: pg.Pool, ageMs: number): Promise<Sweep> {
  return sweepAlone(pool, 'conversations', async (client) => {
    const met = await execute<{ id: string; isEmpty: boolean }>(client, PICK_CONVERSATIONS, [ageMs])
    const last = met.at(-1)
    if (last === undefined) return { rows: 0, isDone: true }
    const ids = met.filter(({ isEmpty }) => isEmpty).map(({ id }) => id)
    if (ids.length > 0) {
      await execute(client, LOCK_EMPTY, [ids])
      await execute(client, DELETE_CONVERSATIONS, [ids, ageMs])
    }
    await execute(client, MOVE_ON, [last.id])
    return { rows: ids.length, isDone: false }
  })
}
