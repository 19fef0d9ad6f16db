import type pg from 'pg'
import type { AnyRunEvent, Visibility } from '../../../contract/event.ts'
import type { Owner } from '../../../ports/owner.ts'
import type { EventPage } from '../../../ports/store.ts'
import { isOwned, ownerValues } from '../owned-by.ts'
import { execute } from '../transaction.ts'
import { boundedPage, MAX_PAGE_BYTES } from './bounded-page.ts'

const isReaders = `EXISTS (SELECT FROM agent_runtime.run r WHERE r.id = $1 AND ${isOwned('r', 4)})`

const LIST = {
  name: 'list_events',
  text: `
    SELECT seq, attempt, type, visibility, payload, ts
    FROM (${boundedPage(
      `SELECT * FROM agent_runtime.event
       WHERE run_id = $1 AND seq > $2 AND visibility = ANY ($3::agent_runtime.visibility[]) AND ${isReaders}
       ORDER BY seq
       LIMIT $7`,
      String(MAX_PAGE_BYTES),
    )}) AS listed
    ORDER BY seq`,
}

const COUNT = {
  name: 'count_events',
  text: `
    SELECT count(*)::int AS count, count(*) FILTER (WHERE seq > $2)::int AS remaining
    FROM agent_runtime.event
    WHERE run_id = $1 AND visibility = ANY ($3::agent_runtime.visibility[]) AND ${isReaders}`,
}

/** A page by count and by bytes: of large events it has fewer than asked for, and more are to be had. */
export async function listEvents(
  pool: pg.Pool,
  { owner, runId }: { owner: Owner; runId: string },
  page: { afterSeq: number; limit: number; visibilities: readonly Visibility[] },
): Promise<EventPage> {
  const { afterSeq, limit, visibilities } = page
  // Counted first: what is added in between is more than there was said to be, never less.
  const [counted] = await execute<{ count: number; remaining: number }>(pool, COUNT, [
    runId,
    afterSeq,
    visibilities,
    ...ownerValues(owner),
  ])
  const rows = await execute<Omit<AnyRunEvent, 'runId' | 'ts'> & { ts: Date }>(pool, LIST, [
    runId,
    afterSeq,
    visibilities,
    ...ownerValues(owner),
    limit,
  ])
  const { count, remaining } = counted ?? { count: 0, remaining: 0 }
  const events = rows.map((row) => ({ runId, ...row, ts: row.ts.toISOString() }))
  return { events, count, hasMore: remaining > events.length }
}
