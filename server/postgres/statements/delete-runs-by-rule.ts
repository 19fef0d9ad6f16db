// Deletes runs like delete-runs.ts, by rules that say how long each is kept.
import type pg from 'pg'
import type { AgeRule } from '../../ports/age-rule.ts'
import type { Sweep } from '../../ports/upkeep.ts'
import { execute } from '../connections/transaction.ts'
import { deleteConversations, deleteWithAll, lockConversations } from './delete-runs.ts'
import { detachBranches } from './detach-branches.ts'
import { MAX_EVENTS, MAX_RUNS } from './sweep.ts'
import { beginWalk, lockSame, PLACE, walkOn } from './walk.ts'
import type { PlaceRow } from './walk.ts'

/** How many runs one batch visits: more than it deletes, since most may be kept. */
const MAX_MET = 2_000

const MEET = {
  name: 'retention_meet',
  text: `
    SELECT ${PLACE}, r.*
    FROM agent_runtime.sweep s
    LEFT JOIN LATERAL (
      SELECT id, tenant_id AS "tenantId", agent_key AS "agentKey", conversation_id AS "conversationId",
        finished_at::text AS at, last_seq AS "lastSeq",
        (extract(epoch FROM now() - finished_at) * 1000)::float8 AS "ageMs"
      FROM agent_runtime.run
      WHERE (finished_at, id) > (s.at, s.id) AND finished_at < now() - $1 * interval '1 millisecond'
      ORDER BY finished_at, id
      LIMIT ${MAX_MET}
    ) r ON true
    WHERE s.name = 'retention'
    ORDER BY r.at::timestamptz, r.id`,
}

interface MetRun {
  id: string
  tenantId: string
  agentKey: string
  conversationId: string | null
  at: string
  lastSeq: number
  ageMs: number
}

type Row = PlaceRow & (MetRun | { id: null })

export async function deleteRunsByRule(pool: pg.Pool, rule: AgeRule): Promise<Sweep> {
  const rows = await execute<Row>(pool, MEET, [rule.minMs])
  const [first] = rows
  if (first === undefined) return { rows: 0, isDone: true }
  const from = { at: first.fromAt, id: first.fromId }
  const met = rows.filter((row): row is PlaceRow & MetRun => row.id !== null)
  if (first.isNew || (met.length === 0 && first.isDayOld)) return beginWalk(pool, 'retention', from)
  if (met.length === 0) return { rows: 0, isDone: true }
  const { due, to } = dueOf(met, await rule.keptMs(met))
  return walkOn(pool, { walk: 'retention', from, to }, async (client) => {
    if (due.length === 0) return 0
    const conversations = await lockConversations(
      client,
      due.map(({ id }) => id),
    )
    const same = await lockSame(client, 'run', due)
    const gone = due.filter(({ id }) => same.has(id))
    const ids = gone.map(({ id }) => id)
    await detachBranches(client, ids)
    await deleteWithAll(client, ids)
    await deleteConversations(client, conversations, ageOfConversations(gone))
    return ids.length
  })
}

type DueRun = MetRun & { keptMs: number }

/** The runs of a batch to delete, as many as one transaction takes, and the place up to which all runs were visited. */
function dueOf(
  met: readonly MetRun[],
  kept: readonly (number | null)[],
): { due: DueRun[]; to: { at: string; id: string } } {
  const due: DueRun[] = []
  let events = 0
  let to = { at: '', id: '' }
  for (const [index, run] of met.entries()) {
    const keptMs = kept[index] ?? null
    if (keptMs !== null && run.ageMs > keptMs) {
      if (due.length === MAX_RUNS || events >= MAX_EVENTS) break
      due.push({ ...run, keptMs })
      events += run.lastSeq
    }
    to = { at: run.at, id: run.id }
  }
  return { due, to }
}

/** For each conversation, the age at which it is deleted with these runs: the highest age required of any of them. */
function ageOfConversations(runs: readonly DueRun[]): (conversationId: string) => number {
  const ages = new Map<string, number>()
  for (const { conversationId, keptMs } of runs) {
    if (conversationId !== null) ages.set(conversationId, Math.max(ages.get(conversationId) ?? 0, keptMs))
  }
  return (conversationId) => ages.get(conversationId) ?? Infinity
}
