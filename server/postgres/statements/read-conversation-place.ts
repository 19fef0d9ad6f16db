import type pg from 'pg'
import type { ConversationProgress, Moves } from '../../ports/conversation-runs.ts'
import type { ConversationPlaces, ReadPlace } from '../../ports/store/conversation-store.ts'
import type { Reach } from '../../ports/owner.ts'
import { forEachScope, isReached, reachValues } from '../owned-by.ts'
import { execute } from '../connections/transaction.ts'
import { progressOf } from './conversation-progress.ts'
import { SUMMARY_COLUMNS, toSummary } from '../rows/run-row.ts'
import { PROGRESS_COLUMNS, toProgress } from './run-progress.ts'
import type { ProgressRow } from './run-progress.ts'
import type { SummaryRow } from '../rows/run-row.ts'

// One statement, so that everything is of one moment.
const READ = forEachScope(
  'read_conversation_place',
  (scope) => `
    SELECT ${progressOf('r.conversation_id = c.id')} AS progress,
      (SELECT last_value FROM agent_runtime.run_ordinal_seq) AS "lastOrdinal",
      (
        SELECT COALESCE(json_agg(a), '[]') FROM (
          SELECT ${PROGRESS_COLUMNS} FROM agent_runtime.run r
          WHERE r.conversation_id = c.id AND r.id = ANY ($2::uuid[])
        ) a
      ) AS asked,
      c.moves, c.moved_run_id AS "movedRunId", newest.*
    FROM agent_runtime.conversation c
    LEFT JOIN LATERAL (
      SELECT ${SUMMARY_COLUMNS} FROM agent_runtime.run r
      WHERE r.conversation_id = c.id ORDER BY r.ordinal DESC LIMIT 1
    ) newest ON true
    WHERE c.id = $1 AND c.deleted_at IS NULL AND ${isReached(scope, 'c', 3)}`,
)

type PlaceRow = Moves & {
  progress: ConversationProgress
  lastOrdinal: string
  asked: ProgressRow[]
} & (SummaryRow | { [K in keyof SummaryRow]: null })

export async function readConversationPlace(
  pool: pg.Pool,
  reach: Reach,
  { conversationId, runIds }: ReadPlace,
): Promise<ConversationPlaces | null> {
  const [row] = await execute<PlaceRow>(pool, READ[reach.scope], [
    conversationId,
    runIds,
    ...reachValues(reach),
  ])
  if (row === undefined) return null
  return {
    progress: row.progress,
    lastOrdinal: Number(row.lastOrdinal),
    moves: row.moves,
    movedRunId: row.movedRunId,
    newestRun: row.id === null ? null : toSummary(row),
    asked: new Map(row.asked.map((run) => [run.id, toProgress(run)])),
  }
}
