import type pg from 'pg'
import { ANNOUNCED_EVENTS } from '../../contract/runtime-events.ts'
import type { AnyRunEvent } from '../../contract/event.ts'
import type { Visibility } from '../../contract/visibility.ts'
import type { Scope } from '../../contract/scope.ts'
import type { Reach } from '../../ports/owner.ts'
import type { EventPage } from '../../ports/store/event-store.ts'
import { forEachScope, isReached, reachValues } from '../owned-by.ts'
import { execute } from '../connections/transaction.ts'
import { boundedPage, MAX_PAGE_BYTES } from './bounded-page.ts'

const isShown = (
  scope: Scope,
  first: number,
) => `(visibility = ANY ($3::agent_runtime.visibility[]) OR type = ANY ($4::text[]))
  AND EXISTS (SELECT FROM agent_runtime.run r WHERE r.id = $1 AND ${isReached(scope, 'r', first)})`

const LIST = forEachScope(
  'list_events',
  (scope) => `
    SELECT seq, attempt, type, visibility, payload, ts
    FROM (${boundedPage(
      `SELECT * FROM agent_runtime.event
       WHERE run_id = $1 AND seq > $2 AND ${isShown(scope, 6)}
       ORDER BY seq
       LIMIT $5`,
      String(MAX_PAGE_BYTES),
    )}) AS listed
    ORDER BY seq`,
)

const COUNT = forEachScope(
  'count_events',
  (scope) => `
    SELECT count(*)::int AS count, count(*) FILTER (WHERE seq > $2)::int AS remaining
    FROM agent_runtime.event
    WHERE run_id = $1 AND ${isShown(scope, 5)}`,
)

/** A page limited by count and by bytes: with large events it has fewer than `limit`, and `hasMore` is true. */
export async function listEvents(
  pool: pg.Pool,
  { reach, runId }: { reach: Reach; runId: string },
  page: { afterSeq: number; limit: number; visibilities: readonly Visibility[] },
): Promise<EventPage> {
  const { afterSeq, limit, visibilities } = page
  const shown = [runId, afterSeq, visibilities, ANNOUNCED_EVENTS]
  const reached = reachValues(reach)
  // Count first: events that are added in between can only make the page exceed the count, never fall short of it.
  const [counted] = await execute<{ count: number; remaining: number }>(pool, COUNT[reach.scope], [
    ...shown,
    ...reached,
  ])
  const rows = await execute<Omit<AnyRunEvent, 'runId' | 'ts'> & { ts: Date }>(pool, LIST[reach.scope], [
    ...shown,
    limit,
    ...reached,
  ])
  const { count, remaining } = counted ?? { count: 0, remaining: 0 }
  const events = rows.map((row) => ({ runId, ...row, ts: row.ts.toISOString() }))
  return { events, count, hasMore: remaining > events.length }
}
