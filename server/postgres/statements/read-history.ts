import type pg from 'pg'
import type { HistoryMessage } from '../../contract/message.ts'
import type { Scope } from '../../contract/scope.ts'
import type { Reach } from '../../ports/owner.ts'
import { forEachScope, isReached, reachValues } from '../owned-by.ts'
import { execute } from '../connections/transaction.ts'
import type { ConversationProgress } from '../../ports/conversation-runs.ts'
import { progressOf } from './conversation-progress.ts'
import { boundedRows, rowBytesSql } from './bounded-rows.ts'
import { LATEST, branchPath, isOnPath, rankOf, untilPosition } from './branch-path.ts'
import { readSiblings } from './read-siblings.ts'
import { isSpoken } from './spoken.ts'
import { messageId, storedJson, toStoredMessage } from './stored-messages.ts'
import type { StoredRow } from './stored-messages.ts'

const CHOSEN = branchPath({
  conversationId: '$1',
  branch: 'SELECT branch FROM agent_runtime.conversation WHERE id = $1',
  ordinal: LATEST,
})

const spokenBy = (scope: Scope) => `
      SELECT o.id, ${rankOf('o')} AS ordinal, ${untilPosition('o')} AS until
      FROM agent_runtime.run o CROSS JOIN path
      WHERE o.conversation_id = $1 AND ${isReached(scope, 'o', 5)}
        AND ${isOnPath('o', `($2::bool OR ${isSpoken('o')})`)}`

// Reads from the newest run on, so that no more is sorted than the window needs. It reads one message more than the
// window, as the parent of the oldest one.
const READ = forEachScope(
  'read_history',
  (scope) => `
    WITH RECURSIVE ${CHOSEN}, spoken AS MATERIALIZED (${spokenBy(scope)}
    ), ${boundedRows(
      `SELECT row_number() OVER (ORDER BY ordinal DESC, position DESC) AS n, run_id, position
       FROM (
         SELECT said.run_id, said.position, newest.ordinal
         FROM (SELECT * FROM spoken ORDER BY ordinal DESC) AS newest
         CROSS JOIN LATERAL (
           SELECT m.run_id, m.position FROM agent_runtime.message m
           WHERE m.run_id = newest.id AND m.position < newest.until
           ORDER BY m.position DESC
         ) AS said
         ORDER BY newest.ordinal DESC, said.position DESC
         OFFSET $3::bigint LIMIT $4::bigint + 1
       ) AS newest`,
      `SELECT ${rowBytesSql(['m.body'])} FROM agent_runtime.message m
       WHERE m.run_id = c.run_id AND m.position = c.position`,
    )}
    SELECT total.count, total."isForked", said.message, said."parentId",
      CASE WHEN said.n IS NULL OR said.n = 1
        THEN ${progressOf(`r.conversation_id = $1 AND ${isReached(scope, 'r', 5)}`)} END AS progress
    FROM (
      SELECT count(*)::int AS count,
        EXISTS (SELECT FROM agent_runtime.branch WHERE conversation_id = $1) AS "isForked"
      FROM spoken JOIN agent_runtime.message m
        ON m.conversation_id = $1 AND m.run_id = spoken.id AND m.position < spoken.until
    ) AS total
    LEFT JOIN (
      SELECT page.n, ${storedJson('m')} AS message, ${messageId('parent')} AS "parentId"
      FROM page JOIN candidates c USING (n)
      JOIN agent_runtime.message m ON m.run_id = c.run_id AND m.position = c.position
      LEFT JOIN candidates before ON before.n = page.n + 1
      LEFT JOIN agent_runtime.message parent ON parent.run_id = before.run_id AND parent.position = before.position
      WHERE page.n <= $4::bigint
    ) AS said ON true
    ORDER BY said.n DESC`,
)

interface Row {
  count: number
  isForked: boolean
  message: StoredRow | null
  parentId: string | null
  /** Only set in the row of the newest message. */
  progress: ConversationProgress | null
}

/**
 * Reads a window of messages, oldest first. If they are large, it has fewer than `limit`: the newest. `progress` is of
 * the same moment, so a reader that follows from there misses nothing and gets nothing twice.
 */
export async function readHistory(
  pool: pg.Pool,
  { reach, conversationId }: { reach: Reach; conversationId: string },
  window: { limit: number; offset: number; includeFailedRuns: boolean },
): Promise<{ messages: HistoryMessage[]; total: number; progress: ConversationProgress }> {
  const { limit, offset, includeFailedRuns } = window
  const rows = await execute<Row>(pool, READ[reach.scope], [
    conversationId,
    includeFailedRuns,
    offset,
    limit,
    ...reachValues(reach),
  ])
  const messages = rows.flatMap(({ message, parentId }) =>
    message === null ? [] : [{ ...toStoredMessage(message), parentId }],
  )
  const progress = rows.at(-1)?.progress ?? { newest: 0, open: [] }
  const total = rows[0]?.count ?? 0
  if (rows[0]?.isForked !== true || messages.length === 0) return { messages, total, progress }
  const siblingsOf = await readSiblings(pool, conversationId, includeFailedRuns)
  return { messages: messages.map((message) => withSiblings(message, siblingsOf(message))), total, progress }
}

function withSiblings(message: HistoryMessage, siblings: string[] | undefined): HistoryMessage {
  return siblings === undefined ? message : { ...message, siblings }
}
