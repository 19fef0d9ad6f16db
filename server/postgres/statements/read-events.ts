// Reads events for streams. All readers of a process at the same moment share one statement, and readers of the same
// page share its rows. At a thousand runs a second, a statement for each reader would be most of the database's work.
import type pg from 'pg'
import type { AnyRunEvent } from '../../contract/event.ts'
import type { Visibility } from '../../contract/visibility.ts'
import type { Json } from '../../contract/json.ts'
import { createGroupCommit } from '../../concurrency/group-commit.ts'
import type { Scope } from '../../contract/scope.ts'
import { reachOf } from '../../ports/owner.ts'
import type { Reach } from '../../ports/owner.ts'
import type { EventStore } from '../../ports/store/event-store.ts'
import type { RunProgress, RunStore } from '../../ports/store/run-store.ts'
import { forEachScope, isReachedBy, ownerColumns } from '../owned-by.ts'
import { mayBeOnes } from '../../ports/store/store-failure.ts'
import { execute } from '../connections/transaction.ts'
import { PROGRESS_COLUMNS, toProgress } from './run-progress.ts'
import type { ProgressRow } from './run-progress.ts'
import { boundedPage, MAX_PAGE_BYTES } from './bounded-page.ts'

/** The most bytes that one statement returns, shared among its readers. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024

const READ_EVENTS = {
  name: 'read_events',
  text: `
    SELECT w.reader::int, e.seq, e.attempt, e.type, e.visibility, e.payload, e.ts
    FROM unnest($1::uuid[], $2::int[], $3::int[]) WITH ORDINALITY AS w (run_id, after_seq, max, reader)
    CROSS JOIN LATERAL (${boundedPage(
      `SELECT * FROM agent_runtime.event
       WHERE run_id = w.run_id AND seq > w.after_seq
       ORDER BY seq
       LIMIT w.max`,
      '$4::bigint',
    )}) AS e`,
}

const READ_PROGRESS = forEachScope(
  'read_progress',
  (scope) => `
    SELECT w.reader::int, ${PROGRESS_COLUMNS}
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY
      AS w (run_id, tenant_id, owner_id, owner_kind, reader)
    JOIN agent_runtime.run r ON r.id = w.run_id AND ${isReachedBy('r', 'w', scope)}`,
)

interface EventRow {
  /** Position in the batch of readers, from 1. */
  reader: number
  seq: number
  attempt: number
  type: string
  visibility: Visibility
  payload: Json
  ts: Date
}

interface EventsRequest {
  runId: string
  afterSeq: number
  limit: number
}

const MAX_READERS = 200

/** Makes a read function. Its calls share statements, and do not wait for calls of other read functions. */
export function createReadEvents(pool: pg.Pool): EventStore['readEvents'] {
  const read = createGroupCommit({
    maxBatch: MAX_READERS,
    gather: 'tick',
    mayBeOnes,
    async flush(requests: readonly EventsRequest[]) {
      const distinct = [...new Map(requests.map((request) => [keyOf(request), request])).values()]
      const rows = await execute<EventRow>(pool, READ_EVENTS, [
        distinct.map((request) => request.runId),
        distinct.map((request) => request.afterSeq),
        distinct.map((request) => request.limit),
        Math.floor(Math.min(MAX_PAGE_BYTES, MAX_ANSWER_BYTES / distinct.length)),
      ])
      const answers = distinct.map((request) => ({ ...request, events: [] as AnyRunEvent[] }))
      for (const { reader, ts, ...event } of rows) {
        const answer = answers[reader - 1]
        answer?.events.push({ runId: answer.runId, ...event, ts: ts.toISOString() })
      }
      // Sort here and not in SQL: the rows are mostly in order already, and a sort in SQL would copy all payloads.
      for (const { events } of answers) events.sort((a, b) => a.seq - b.seq)
      const byKey = new Map(answers.map((answer) => [keyOf(answer), answer.events]))
      return requests.map((request) => byKey.get(keyOf(request)) ?? [])
    },
  })
  return (runId, afterSeq, limit) => read({ runId, afterSeq, limit })
}

function keyOf({ runId, afterSeq, limit }: EventsRequest): string {
  return `${runId} ${afterSeq} ${limit}`
}

export function createGetProgress(pool: pg.Pool): RunStore['getProgress'] {
  const createRead = (scope: Scope) =>
    createGroupCommit({
      maxBatch: MAX_READERS,
      mayBeOnes,
      async flush(requests: readonly { reach: Reach; runId: string }[]) {
        const rows = await execute<ProgressRow & { reader: number }>(pool, READ_PROGRESS[scope], [
          requests.map((request) => request.runId),
          ...ownerColumns(requests.map((request) => request.reach)),
        ])
        const answers = requests.map((): RunProgress | null => null)
        for (const row of rows) answers[row.reader - 1] = toProgress(row)
        return answers
      },
    })
  const readers = { own: createRead('own'), tenant: createRead('tenant'), any: createRead('any') }
  return async (asking, runId) => {
    // Refuse an invalid owner before it shares a statement with others.
    const reach = reachOf(asking)
    return readers[reach.scope]({ reach, runId })
  }
}
