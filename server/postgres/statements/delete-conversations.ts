// Deletes conversations without runs. A conversation with runs is deleted together with its last run.
import type pg from 'pg'
import type { AgeRule } from '../../ports/age-rule.ts'
import type { Sweep } from '../../ports/upkeep.ts'
import { execute } from '../connections/transaction.ts'
import { deleteConversations, young } from './delete-runs.ts'
import { MAX_RUNS, sweepAlone } from './sweep.ts'
import { beginWalk, forgetWalk, lockSame, PLACE, walkOn } from './walk.ts'
import type { PlaceRow } from './walk.ts'

const isEmpty = `NOT EXISTS (SELECT FROM agent_runtime.run r WHERE r.conversation_id = c.id)`

// Each conversation is visited once, when it is old enough. If it has runs by then, it is deleted with its last run.
const PICK = {
  name: 'retention_pick_conversations',
  text: `
    SELECT c.id, ${isEmpty} AS "isEmpty"
    FROM agent_runtime.sweep s
    CROSS JOIN LATERAL (
      SELECT id FROM agent_runtime.conversation
      WHERE id > s.id AND id < ${young('$1::float8')}
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
    await forgetWalk(client, 'conversations')
    const met = await execute<{ id: string; isEmpty: boolean }>(client, PICK, [ageMs])
    const last = met.at(-1)
    if (last === undefined) return { rows: 0, isDone: true }
    const ids = met.filter((one) => one.isEmpty).map(({ id }) => id)
    if (ids.length > 0) {
      await execute(client, LOCK_EMPTY, [ids])
      await deleteConversations(client, ids, () => ageMs)
    }
    await execute(client, MOVE_ON, [last.id])
    return { rows: ids.length, isDone: false }
  })
}

const MEET = {
  name: 'retention_meet_conversations',
  text: `
    SELECT ${PLACE}, c.*, ${isEmpty} AS "isEmpty"
    FROM agent_runtime.sweep s
    LEFT JOIN LATERAL (
      SELECT id, tenant_id AS "tenantId", agent_key AS "agentKey" FROM agent_runtime.conversation
      WHERE id > s.id AND id < ${young('$1::float8')}
      ORDER BY id
      LIMIT ${MAX_RUNS}
    ) c ON true
    WHERE s.name = 'conversations'
    ORDER BY c.id`,
}

interface MetConversation {
  id: string
  tenantId: string
  agentKey: string | null
  isEmpty: boolean
}

type Row = PlaceRow & (MetConversation | { id: null })

/** Deletes them by rules that say how long each is kept. */
export async function deleteEmptyConversationsByRule(pool: pg.Pool, rule: AgeRule): Promise<Sweep> {
  const rows = await execute<Row>(pool, MEET, [rule.minMs])
  const [first] = rows
  if (first === undefined) return { rows: 0, isDone: true }
  const from = { at: first.fromAt, id: first.fromId }
  const met = rows.filter((row): row is PlaceRow & MetConversation => row.id !== null)
  const last = met.at(-1)
  if (first.isNew || (last === undefined && first.isDayOld)) return beginWalk(pool, 'conversations', from)
  if (last === undefined) return { rows: 0, isDone: true }
  const empty = met.filter((one) => one.isEmpty)
  const kept = await rule.keptMs(empty)
  const ages = new Map(empty.map(({ id }, index) => [id, kept[index] ?? Infinity]))
  return walkOn(pool, { walk: 'conversations', from, to: { at: from.at, id: last.id } }, async (client) => {
    const mayGo = empty.filter(({ id }) => ages.get(id) !== Infinity)
    if (mayGo.length === 0) return 0
    const same = await lockSame(client, 'conversation', mayGo)
    return deleteConversations(client, [...same], (id) => ages.get(id) ?? Infinity)
  })
}
