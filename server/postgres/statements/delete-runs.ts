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
 * Ids begin with the milliseconds at which they were made: this is the least of those that are younger than `ageMs`. What is
 * kept for longer than since 1970 never is old enough; below zero, the hexadecimal number would be the largest there is.
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
 * Deletes those of the conversations, which are locked, that are as old as they have to be and have no run.
 *
 * @param ageMs how old one has to be; Infinity: it stays
 * @returns how many there were.
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

/** Locks conversations that have no runs but these. */
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
