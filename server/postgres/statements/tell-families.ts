// Handles news: a run is over, was deleted, or waits, and the runs above and below it are told. The transaction that
// caused the news only wrote it, by a trigger on `run`. This one locks all rows in one order, and ends of other runs do
// not wait for it.
import type pg from 'pg'
import { TRANSITIONS } from '../../lifecycle/transitions.ts'
import type { ToldFamilies } from '../../ports/family.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import type { Deliver } from '../deliveries/deliveries.ts'
import { deleteWithAll } from './delete-runs.ts'
import type { VisibilityOf } from './insert-event.ts'
import { interruptRuns } from './interrupt-runs.ts'
import type { InterruptedRow } from './interrupt-runs.ts'
import { keepIncomplete } from './keep-incomplete.ts'
import { resumeParents } from './resume-parents.ts'
import { surfaceWaits } from './surface-waits.ts'
import { findUntoldEnds, leaveEnds } from './tell-ends.ts'

/** The most news that one transaction handles. */
const MAX_NEWS = 100
/** The most runs that one transaction cancels or deletes. */
const MAX_CHILDREN = 500

interface News {
  runId: string
  parentRunId: string | null
  kind: 'ended' | 'deleted' | 'waits'
}

const taking = (name: string, which: string) => ({
  name,
  text: `
    DELETE FROM agent_runtime.family_news WHERE id = ANY (ARRAY(
      SELECT id FROM agent_runtime.family_news
      WHERE ${which}
      ORDER BY next_at
      LIMIT ${MAX_NEWS}
      FOR UPDATE SKIP LOCKED))
    RETURNING run_id AS "runId", parent_run_id AS "parentRunId", kind`,
})

// Also takes news that these runs were too busy for, even before its time.
const TAKE = taking(
  'family_take',
  `run_id = ANY ($1::uuid[]) AND next_at <= now() OR parent_run_id = ANY ($1::uuid[]) AND kind = 'waits'`,
)
const TAKE_ANY = taking('family_take_any', 'next_at <= now()')

// Locks in the order of ids, like all transactions that lock several runs. A parent has a lower id than its children.
const LOCK = {
  name: 'family_lock',
  text: `
    SELECT id FROM agent_runtime.run
    WHERE id = ANY ($1::uuid[]) OR id = ANY ($2::uuid[])
    ORDER BY id
    FOR NO KEY UPDATE`,
}

const childrenOf = (name: string, which: string) => ({
  name,
  text: `
    SELECT id FROM agent_runtime.run
    WHERE parent_run_id = ANY ($1::uuid[]) AND NOT detached AND ${which}
    ORDER BY id
    LIMIT ${MAX_CHILDREN}`,
})

// A running child is told once, and ends when its worker ends it.
const OPEN_CHILDREN = childrenOf(
  'family_open_children',
  `finished_at IS NULL AND NOT (status = 'running' AND cancel_requested_at IS NOT NULL)`,
)
const ALL_CHILDREN = childrenOf('family_children', 'true')

const CANCEL = interruptRuns('family_cancel', 'id = ANY ($1::uuid[])')

const NOTE_AGAIN = {
  name: 'family_note_again',
  text: `
    INSERT INTO agent_runtime.family_news (run_id, kind) SELECT run_id, $2 FROM unnest($1::uuid[]) AS n (run_id)`,
}

export async function tellFamilies(
  pool: pg.Pool,
  { runIds, visibilityOf }: { runIds: readonly string[] | null; visibilityOf: VisibilityOf },
  deliver: Deliver,
): Promise<ToldFamilies> {
  return inTransaction(pool, async (client, tx) => {
    const news =
      runIds === null
        ? await execute<News>(client, TAKE_ANY, [])
        : await execute<News>(client, TAKE, [runIds])
    if (news.length === 0) return { changed: [], deleted: [], leftBy: [], next: [] }
    const over = news.filter(({ kind }) => kind !== 'waits')
    const doomed = await find(client, ALL_CHILDREN, idsOf(news, 'deleted'))
    const orphans = await find(client, OPEN_CHILDREN, idsOf(news, 'ended'))
    const parentIds = news.flatMap(({ parentRunId }) => parentRunId ?? [])
    const untold = await findUntoldEnds(client, idsOf(news, 'ended'))
    const tellingIds = untold.ends.map(({ parentId }) => parentId)
    await execute(client, LOCK, [parentIds, [...doomed.ids, ...orphans.ids, ...tellingIds]])

    const resumed = await resumeParents(client, over, visibilityOf)
    if (resumed.length > 0) await deliver(resumed, tx)
    const cancelled =
      orphans.ids.length === 0
        ? []
        : await execute<InterruptedRow>(client, CANCEL, [
            orphans.ids,
            visibilityOf(TRANSITIONS.cancelled.event),
          ])
    await keepIncomplete(
      client,
      cancelled.filter(({ status, attempt }) => status !== 'running' && attempt > 0).map(({ id }) => id),
    )
    const deleted = doomed.ids.length === 0 ? [] : await remove(client, doomed.ids)
    const leftBy = await leaveEnds(client, untold.ends)
    const surfaced = await surfaceWaits(client, news, visibilityOf)
    const areEndsTold = orphans.isAll && untold.isAll
    for (const [isAll, kind] of [
      [areEndsTold, 'ended'],
      [doomed.isAll, 'deleted'],
    ] as const) {
      if (!isAll) await execute(client, NOTE_AGAIN, [idsOf(news, kind), kind])
    }
    const isAll = news.length < MAX_NEWS && areEndsTold && doomed.isAll
    const told = { changed: [...resumed, ...cancelled, ...surfaced], deleted, leftBy }
    // Null: the caller asks for any further news, as it did before.
    if (!isAll && runIds === null) return { ...told, next: null }
    return {
      ...told,
      next: [
        ...(isAll ? [] : (runIds ?? [])),
        ...cancelled.filter(({ status }) => status !== 'running').map(({ id }) => id),
        ...doomed.ids,
        ...surfaced.flatMap(({ aboutIds }) => aboutIds),
      ],
    }
  })
}

const idsOf = (news: readonly News[], kind: News['kind']): string[] =>
  news.filter((one) => one.kind === kind).map(({ runId }) => runId)

async function find(
  client: pg.PoolClient,
  statement: typeof OPEN_CHILDREN,
  parentIds: readonly string[],
): Promise<{ ids: string[]; isAll: boolean }> {
  if (parentIds.length === 0) return { ids: [], isAll: true }
  const rows = await execute<{ id: string }>(client, statement, [parentIds])
  return { ids: rows.map(({ id }) => id), isAll: rows.length < MAX_CHILDREN }
}

const OWNERS = {
  name: 'family_owners',
  text: `
    SELECT id, jsonb_build_object('tenantId', tenant_id, 'id', owner_id, 'kind', owner_kind) AS owner
    FROM agent_runtime.run WHERE id = ANY ($1::uuid[])`,
}

async function remove(client: pg.PoolClient, ids: readonly string[]): Promise<ToldFamilies['deleted']> {
  const rows = await execute<ToldFamilies['deleted'][number]>(client, OWNERS, [ids])
  await deleteWithAll(client, ids)
  return rows
}
