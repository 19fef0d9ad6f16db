// The waiting runs of a conversation, and their order. The order changes under the conversation's lock, like the giving
// of turns. A cancel only locks the run, which then no longer waits.
import type pg from 'pg'
import { MAX_QUEUED_TEXT } from '../../contract/queued-turn.ts'
import type { MoveTurnInput, QueuedTurn } from '../../contract/queued-turn.ts'
import type { Owner, Reach } from '../../ports/owner.ts'
import type { ConversationStore } from '../../ports/store/conversation-store.ts'
import { forEachScope, isOwned, isReached, ownerValues, reachValues } from '../owned-by.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import { rankOf } from './branch-path.ts'

/** The most runs that are listed. */
const MAX_LISTED = 1_000

const TEXT = `left(CASE jsonb_typeof(m.body -> 'content')
          WHEN 'string' THEN m.body ->> 'content'
          WHEN 'array' THEN (
            SELECT string_agg(part ->> 'text', '' ORDER BY place)
            FROM jsonb_array_elements(m.body -> 'content') WITH ORDINALITY AS parts (part, place)
            WHERE part ->> 'type' = 'text')
        END, ${MAX_QUEUED_TEXT})`

const LIST = forEachScope(
  'queued_turns_list',
  (scope) => `
    SELECT r.id AS "runId", r.agent_key AS "agentKey", r.created_at AS "createdAt", COALESCE((
        SELECT ${TEXT} FROM agent_runtime.message m
        WHERE m.run_id = r.id AND m.origin = 'input' AND m.body ->> 'role' = 'user'
        ORDER BY m.position DESC
        LIMIT 1), '') AS text
    FROM agent_runtime.run r
    WHERE r.conversation_id = $1 AND r.turn IS NOT NULL AND ${isReached(scope, 'r', 2)}
    ORDER BY r.turn
    LIMIT ${MAX_LISTED}`,
)

export async function listTurns(pool: pg.Pool, reach: Reach, conversationId: string): Promise<QueuedTurn[]> {
  const values = [conversationId, ...reachValues(reach)]
  const rows = await execute<QueuedTurn & { createdAt: Date }>(pool, LIST[reach.scope], values)
  return rows.map((row) => ({ ...row, createdAt: row.createdAt.toISOString() }))
}

const LOCK = {
  name: 'queued_turns_lock',
  text: `
    SELECT FROM agent_runtime.conversation c
    WHERE c.id = $1 AND c.deleted_at IS NULL AND ${isOwned('c', 2)}
    FOR NO KEY UPDATE`,
}

const LOCK_WAITING = {
  name: 'queued_turns_lock_waiting',
  text: `
    SELECT r.id, r.branch, r.turn, ${rankOf('r')} AS rank, b.number IS NOT NULL AS "isFirst"
    FROM agent_runtime.run r
    LEFT JOIN agent_runtime.branch b
      ON b.conversation_id = r.conversation_id AND b.number = r.branch AND b.first_run_id = r.id
    WHERE r.conversation_id = $1 AND r.turn IS NOT NULL
    ORDER BY r.id
    FOR NO KEY UPDATE OF r`,
}

const IS_THERE = {
  name: 'queued_turns_is_there',
  text: `SELECT FROM agent_runtime.run WHERE id = $1 AND conversation_id = $2`,
}

interface Waiting {
  id: string
  branch: number
  turn: string
  rank: string
  /** It began its branch, so the other runs of the branch must follow it. */
  isFirst: boolean
}

// Runs exchange the turns and ranks that they have, so runs created meanwhile come after all of them.
const MOVE = {
  name: 'queued_turns_move',
  text: `
    UPDATE agent_runtime.run r SET turn = n.turn, rank = n.rank
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS n (id, turn, rank)
    WHERE r.id = n.id`,
}

// The count tells readers of the conversation that a run was moved.
const COUNT_MOVE = {
  name: 'queued_turns_count_move',
  text: `UPDATE agent_runtime.conversation SET moves = moves + 1, moved_run_id = $2 WHERE id = $1`,
}

export async function moveTurn(
  pool: pg.Pool,
  owner: Owner,
  { conversationId, runId, before, after }: MoveTurnInput,
): ReturnType<ConversationStore['moveTurn']> {
  return inTransaction(pool, async (client) => {
    const locked = await execute(client, LOCK, [conversationId, ...ownerValues(owner)])
    if (locked.length === 0) return { kind: 'no-conversation' }
    const waiting = await lockWaiting(client, conversationId)
    for (const id of [runId, before ?? after ?? runId]) {
      if (waiting.some((run) => run.id === id)) continue
      const isThere = (await execute(client, IS_THERE, [id, conversationId])).length > 0
      return { kind: isThere ? 'not-waiting' : 'no-run', runId: id }
    }
    const moved = reordered(waiting, { runId, before, after })
    if (!keepsBeginnings(moved)) return { kind: 'begins-branch' }
    const isMoved = await reorder(client, waiting, moved)
    if (isMoved) await execute(client, COUNT_MOVE, [conversationId, runId])
    return { kind: 'moved' }
  })
}

/** Makes a run the first to get its turn. The conversation must be locked. */
export async function moveToFront(
  client: pg.PoolClient,
  { conversationId, runId }: { conversationId: string; runId: string },
): Promise<void> {
  const waiting = await lockWaiting(client, conversationId)
  const before = waiting[0]?.id
  if (before !== undefined) await reorder(client, waiting, reordered(waiting, { runId, before }))
}

async function lockWaiting(client: pg.PoolClient, conversationId: string): Promise<Waiting[]> {
  const rows = await execute<Waiting>(client, LOCK_WAITING, [conversationId])
  return rows.toSorted((a, b) => Number(BigInt(a.turn) - BigInt(b.turn)))
}

/** @returns whether the order changed */
async function reorder(
  client: pg.PoolClient,
  waiting: readonly Waiting[],
  moved: readonly Waiting[],
): Promise<boolean> {
  const changed = moved.flatMap(({ id }, index) => {
    const place = waiting[index]
    return place === undefined || place.id === id ? [] : [{ ...place, id }]
  })
  if (changed.length === 0) return false
  await execute(client, MOVE, [
    changed.map(({ id }) => id),
    changed.map(({ turn }) => turn),
    changed.map(({ rank }) => rank),
  ])
  return true
}

function reordered(
  waiting: readonly Waiting[],
  { runId, before, after }: Pick<MoveTurnInput, 'runId' | 'before' | 'after'>,
): Waiting[] {
  const target = before ?? after
  if (target === runId) return [...waiting]
  const others = waiting.filter(({ id }) => id !== runId)
  const at = others.findIndex(({ id }) => id === target) + (before === undefined ? 1 : 0)
  return [...others.slice(0, at), ...waiting.filter(({ id }) => id === runId), ...others.slice(at)]
}

function keepsBeginnings(waiting: readonly Waiting[]): boolean {
  return waiting.every(
    ({ isFirst, branch }, index) =>
      !isFirst || waiting.findIndex((other) => other.branch === branch) === index,
  )
}
