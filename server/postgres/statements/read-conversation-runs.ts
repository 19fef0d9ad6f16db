// Reads runs for streams of conversations. All looks at the same moment share one statement, as for events.
import type pg from 'pg'
import { createGroupCommit } from '../../concurrency/group-commit.ts'
import type { ConversationRun, ConversationRuns } from '../../ports/conversation-runs.ts'
import type { ConversationStore } from '../../ports/store/conversation-store.ts'
import { mayBeOnes } from '../../ports/store/store-failure.ts'
import { execute } from '../connections/transaction.ts'
import { MAX_PAGE_BYTES, mostOf } from './bounded-page.ts'
import { SUMMARY_COLUMNS, toSummary } from '../rows/run-row.ts'
import type { SummaryRow } from '../rows/run-row.ts'
import { storedJson, toStoredMessage } from './stored-messages.ts'
import type { StoredRow } from './stored-messages.ts'

/** The most bytes that one statement returns, shared among its readers. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024
const MAX_READERS = 200

const inputOf = (run: string) => `agent_runtime.message m WHERE m.run_id = ${run}.id AND m.origin = 'input'`

// A conversation that does not exist has no row.
const READ = {
  name: 'read_conversation_runs',
  text: `
    SELECT w.reader::int, c.moves, c.moved_run_id AS "movedRunId", page.*, (
      SELECT COALESCE(json_agg(${storedJson('m')} ORDER BY m.position), '[]') FROM ${inputOf('page')}
    ) AS messages
    FROM unnest($1::uuid[], $2::bigint[], $3::int[]) WITH ORDINALITY AS w (conversation_id, after, max, reader)
    JOIN agent_runtime.conversation c ON c.id = w.conversation_id AND c.deleted_at IS NULL
    LEFT JOIN LATERAL (
      SELECT * FROM (
        SELECT *, sum(size) OVER (ORDER BY ordinal) - size AS bytes_before, count(*) OVER ()::int AS candidates
        FROM (
          SELECT ${SUMMARY_COLUMNS}, r.ordinal, r.last_seq AS "lastSeq", r.created_at AS "createdAt",
            (SELECT COALESCE(sum(${mostOf('m.body')}), 0) FROM ${inputOf('r')}) AS size
          FROM agent_runtime.run r
          WHERE r.conversation_id = w.conversation_id AND r.ordinal > w.after
          ORDER BY r.ordinal
          LIMIT w.max
        ) sized
      ) bounded
      WHERE bytes_before < $4::bigint
    ) page ON true`,
}

interface Request {
  conversationId: string
  afterOrdinal: number
  limit: number
}

type Row = { reader: number; moves: number; movedRunId: string | null; messages: StoredRow[] } & (
  | (SummaryRow & { ordinal: string; lastSeq: number; createdAt: Date; candidates: number })
  | { id: null }
)

export function createReadConversationRuns(pool: pg.Pool): ConversationStore['readConversationRuns'] {
  const read = createGroupCommit({
    maxBatch: MAX_READERS,
    gather: 'tick',
    mayBeOnes,
    async flush(requests: readonly Request[]) {
      const rows = await execute<Row>(pool, READ, [
        requests.map(({ conversationId }) => conversationId),
        requests.map(({ afterOrdinal }) => afterOrdinal),
        requests.map(({ limit }) => limit),
        Math.floor(Math.min(MAX_PAGE_BYTES, MAX_ANSWER_BYTES / requests.length)),
      ])
      const found = requests.map((): Row[] => [])
      for (const row of rows) found[row.reader - 1]?.push(row)
      return found.map((of, index) => toRuns(of, requests[index]?.limit ?? 0))
    },
  })
  return (conversationId, afterOrdinal, limit) => read({ conversationId, afterOrdinal, limit })
}

function toRuns(rows: readonly Row[], limit: number): ConversationRuns | null {
  const [first] = rows
  if (first === undefined) return null
  let candidates = 0
  const runs = rows.flatMap((row): ConversationRun[] => {
    if (row.id === null) return []
    candidates = row.candidates
    return [
      {
        ...toSummary(row),
        ordinal: Number(row.ordinal),
        lastSeq: row.lastSeq,
        createdAt: row.createdAt.toISOString(),
        messages: row.messages.map(toStoredMessage),
      },
    ]
  })
  runs.sort((a, b) => a.ordinal - b.ordinal)
  const { moves, movedRunId } = first
  return { runs, hasMore: candidates > runs.length || candidates === limit, moves, movedRunId }
}
