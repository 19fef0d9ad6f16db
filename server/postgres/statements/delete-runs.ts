// Deletes data that is older than it is to be kept: ended runs with all their data, then conversations without runs.
// Locks are taken in the same order as by creates: conversation, then run.
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

// Locks in a separate statement before the delete. The delete then sees a run that was created while this waited for
// its conversation. A single statement would not see it, and would delete that run's conversation.
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
 * @returns how many files were deleted with them
 */
export async function deleteWithAll(executor: Executor, runIds: readonly string[]): Promise<number> {
  await execute(executor, DELETE_EVENTS, [runIds])
  return withNamedFiles(executor, runIds, () => execute(executor, DELETE_RUNS, [runIds]))
}

/**
 * SQL for the lowest id that is younger than `ageMs`: ids begin with the milliseconds of their creation. GREATEST is
 * for ages that reach back before 1970: a negative number would give the highest hexadecimal one.
 */
export const young = (ageMs: string) => `
  (lpad(to_hex(GREATEST(0, extract(epoch FROM now()) * 1000 - ${ageMs})::bigint), 12, '0') || repeat('0', 20))::uuid`

const DELETE_CONVERSATIONS = {
  name: 'retention_delete_conversations',
  text: `
    DELETE FROM agent_runtime.conversation c
    USING unnest($1::uuid[], $2::float8[]) AS old (id, age_ms)
    WHERE c.id = old.id AND c.id < ${young('old.age_ms')}
      AND NOT EXISTS (SELECT FROM agent_runtime.run r WHERE r.conversation_id = c.id)
    RETURNING c.id`,
}

/**
 * Deletes those of these locked conversations that are old enough and have no run.
 *
 * @param ageMs the age at which a conversation is deleted; Infinity for never
 * @returns how many were deleted
 */
export async function deleteConversations(
  client: Executor,
  ids: readonly string[],
  ageMs: (id: string) => number,
): Promise<number> {
  if (ids.length === 0) return 0
  const ages = ids.map(ageMs)
  return (await execute(client, DELETE_CONVERSATIONS, [ids, ages])).length
}

/** Locks the conversations that have no other runs than these. */
export async function lockConversations(client: Executor, runIds: readonly string[]): Promise<string[]> {
  return (await execute<{ id: string }>(client, LOCK_CONVERSATIONS, [runIds])).map(({ id }) => id)
}

export async function deleteRuns(pool: pg.Pool, ageMs: number): Promise<Sweep> {
  return sweepAlone(pool, 'retention', async (client) => {
    const runs = await execute<{ id: string }>(client, PICK, [ageMs])
    if (runs.length === 0) return { rows: 0, isDone: true }
    const ids = runs.map(({ id }) => id)
    const conversations = await lockConversations(client, ids)
    await detachBranches(client, ids)
    await deleteWithAll(client, ids)
    await deleteConversations(client, conversations, () => ageMs)
    return { rows: ids.length, isDone: false }
  })
}
