// Creates a conversation that begins with a copy of another's messages, so that neither depends on the other. The
// messages are copied into one ended run, since messages belong to runs.
import type pg from 'pg'
import { succeededSql } from '../../lifecycle/payloads.ts'
import { TRANSITIONS } from '../../lifecycle/transitions.ts'
import type { ConversationFork, ConversationStore } from '../../ports/store/conversation-store.ts'
import { forEachScope, haveOneOwner, isReached, ownerValues, reachValues } from '../owned-by.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import { branchPath, isOnPath, rankOf, untilPosition } from './branch-path.ts'
import { insertEventOf } from './insert-event.ts'
import type { VisibilityOf } from './insert-event.ts'
import { lockSessions } from './lock-sessions.ts'
import { CONVERSATION_COLUMNS, toConversation } from '../rows/conversation-row.ts'
import type { ConversationRow } from '../rows/conversation-row.ts'
import { isSpoken } from './spoken.ts'
import { isMessage, placeIn } from './stored-messages.ts'

const { succeeded } = TRANSITIONS

// A tool call must be followed by its result, so no history may end between them.
const FIND = forEachScope(
  'conversation_fork_find',
  (scope) => `
    SELECT r.id AS "runId", r.branch, ${rankOf('r')} AS ordinal, m.position + 1 AS position,
      COALESCE(jsonb_array_length(NULLIF(m.body -> 'toolCalls', 'null')) > 0, false) OR COALESCE((
        SELECT n.body ->> 'role' FROM agent_runtime.message n
        WHERE n.run_id = m.run_id AND n.position > m.position
        ORDER BY n.position LIMIT 1) = 'tool', false) AS "isUnanswered"
    FROM agent_runtime.message m JOIN agent_runtime.run r ON r.id = m.run_id
    WHERE m.conversation_id = $1 AND ${isMessage('m', 2)} AND ${isReached(scope, 'r', 5)}
    ORDER BY ${rankOf('r')} DESC
    LIMIT 1`,
)

interface Found {
  runId: string
  branch: number
  ordinal: string
  position: number
  isUnanswered: boolean
}

const COPY = {
  name: 'conversation_fork_copy',
  text: `
    WITH RECURSIVE ${branchPath({ conversationId: '$1', branch: '$2', ordinal: '$3', position: '$4' })}, made AS (
      INSERT INTO agent_runtime.conversation AS r (id, tenant_id, owner_id, owner_kind, agent_key, title, metadata)
      SELECT $6, $8, $9, $10, s.agent_key, CASE WHEN $11::bool THEN $12 ELSE s.title END,
        COALESCE($13::jsonb, s.metadata)
      FROM agent_runtime.conversation s WHERE s.id = $1 AND s.deleted_at IS NULL
      RETURNING ${CONVERSATION_COLUMNS}
    ), r AS (
      INSERT INTO agent_runtime.run
        (id, tenant_id, owner_id, owner_kind, conversation_id, agent_key, status, max_attempts, timeout_ms, last_seq, finished_at)
      SELECT $7::uuid, $8, $9, $10, made.id, s.agent_key, '${succeeded.to}', s.max_attempts, s.timeout_ms, 1, now()
      FROM made JOIN agent_runtime.run s ON s.id = $5
      RETURNING *
    ), told AS (
      ${insertEventOf(succeeded, { visibility: '$14', payload: succeededSql })}
    ), copied AS (
      INSERT INTO agent_runtime.message (run_id, position, conversation_id, origin, body, created_at)
      SELECT r.id, row_number() OVER (ORDER BY ${rankOf('o')}, m.position) - 1, r.conversation_id, m.origin, m.body, m.created_at
      FROM r CROSS JOIN path CROSS JOIN agent_runtime.run o JOIN agent_runtime.message m ON m.run_id = o.id
      WHERE o.conversation_id = $1 AND ${isOnPath('o', isSpoken('o'))} AND m.position < ${untilPosition('o')}
    ), named AS (
      INSERT INTO agent_runtime.run_file (run_id, file_id)
      SELECT DISTINCT r.id, f.id
      FROM r CROSS JOIN path CROSS JOIN agent_runtime.run o JOIN agent_runtime.run_file n ON n.run_id = o.id
      JOIN agent_runtime.file f ON f.id = n.file_id AND ${haveOneOwner('f', 'r')}
      WHERE o.conversation_id = $1 AND ${isOnPath('o', isSpoken('o'))}
    )
    SELECT made.* FROM made JOIN r ON true`,
}

export async function forkConversation(
  pool: pg.Pool,
  fork: ConversationFork,
  visibilityOf: VisibilityOf,
): ReturnType<ConversationStore['forkConversation']> {
  const { reach, conversationId, messageId, owner, id, runId, title, metadata } = fork
  return inTransaction(pool, async (client) => {
    const isClaimed = await lockSessions(client, [owner])
    if (isClaimed(owner)) return 'session-over'
    const [found] = await execute<Found>(client, FIND[reach.scope], [
      conversationId,
      ...placeIn(messageId),
      ...reachValues(reach),
    ])
    if (found === undefined) return 'not-found'
    if (found.isUnanswered) return 'unanswered'
    const [row] = await execute<ConversationRow>(client, COPY, [
      conversationId,
      found.branch,
      found.ordinal,
      found.position,
      found.runId,
      id,
      runId,
      ...ownerValues(owner),
      title !== undefined,
      title ?? null,
      metadata === undefined ? null : JSON.stringify(metadata),
      visibilityOf(succeeded.event),
    ])
    return row === undefined ? 'not-found' : toConversation(row)
  })
}
