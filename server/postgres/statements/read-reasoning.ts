// What the models of runs thought, as their events have it: it is stored nowhere else.
import type pg from 'pg'
import type { Visibility } from '../../contract/visibility.ts'
import type { MessageReasoning } from '../../ports/store/conversation-store.ts'
import type { Reach } from '../../ports/owner.ts'
import { execute } from '../connections/transaction.ts'
import { forEachScope, isReached, reachValues } from '../owned-by.ts'

/** Of all messages together: the newest have theirs first. */
const MAX_CHARACTERS = 10_000_000

// Of each message what the last attempt thought that said it, and of that what follows on a delta that stands for all before it.
const READ = forEachScope(
  'read_reasoning',
  (scope) => `
    WITH asked AS (
      SELECT r.id FROM agent_runtime.run r WHERE r.id = ANY ($1::uuid[]) AND ${isReached(scope, 'r', 4)}
    ), piece AS (
      SELECT run_id, seq, attempt, payload ->> 'messageId' AS id, payload ->> 'content' AS content,
        payload ? 'offset' AS is_folded
      FROM agent_runtime.event
      WHERE run_id IN (SELECT id FROM asked) AND type = 'reasoning.delta'
        AND visibility = ANY ($3::agent_runtime.visibility[]) AND payload ->> 'messageId' = ANY ($2::text[])
        AND jsonb_typeof(payload -> 'content') = 'string'
    ), counted AS (
      SELECT *,
        max(attempt) OVER (PARTITION BY run_id, id) AS last_attempt,
        max(seq) FILTER (WHERE is_folded) OVER (PARTITION BY run_id, id, attempt) AS begin_seq
      FROM piece
    ), thought AS (
      SELECT run_id, id, string_agg(content, '' ORDER BY seq) AS text, max(seq) AS seq
      FROM counted
      WHERE attempt = last_attempt AND seq >= COALESCE(begin_seq, 0)
      GROUP BY run_id, id
    ), bounded AS (
      SELECT *, sum(length(text)) OVER (ORDER BY run_id DESC, seq DESC) AS characters FROM thought
    )
    SELECT run_id AS "runId", id AS "messageId", text FROM bounded
    WHERE characters <= ${MAX_CHARACTERS}`,
)

/** Of these messages, by their runs within reach; as much of it as these visibilities have. */
export async function readReasoning(
  pool: pg.Pool,
  reach: Reach,
  messages: readonly { id: string; runId: string }[],
  visibilities: readonly Visibility[],
): Promise<MessageReasoning[]> {
  if (messages.length === 0) return []
  return await execute<MessageReasoning>(pool, READ[reach.scope], [
    [...new Set(messages.map(({ runId }) => runId))],
    messages.map(({ id }) => id),
    visibilities,
    ...reachValues(reach),
  ])
}
