// What a run had said stays when it ends otherwise than well. It is made of its events, in the transaction of the end, by a
// statement that comes after all of them: the good end of a run pays nothing for it.
import { MAX_PAYLOAD_CHARACTERS } from '../../ports/attempt.ts'
import { execute } from '../connections/transaction.ts'
import type { Executor } from '../connections/transaction.ts'
import { FIRST_OUTPUT_POSITION } from './stored-messages.ts'

/** Of what a run said, the first of these are looked at: an end must not take longer than a statement may. */
const MAX_PIECES = 100_000

/** What can name a message of an agent. */
const MAX_ID_CHARACTERS = 200

// What the run's readers have of it: of each message what the last attempt to say it said, unless that ended and left it void.
const KEEP = {
  name: 'keep_incomplete',
  text: `
    WITH piece AS (
      SELECT e.*,
        max(attempt) OVER (PARTITION BY run_id, id) AS last_attempt,
        min(seq) OVER said AS first_seq,
        max(seq) FILTER (WHERE is_whole) OVER said AS whole_seq
      FROM unnest($1::uuid[]) AS ended (ended_id)
      CROSS JOIN LATERAL (
        SELECT run_id, seq, attempt, type = 'assistant.message' AS is_whole,
          payload ->> 'messageId' AS id, payload ->> 'content' AS content
        FROM agent_runtime.event
        WHERE run_id = ended_id AND type IN ('assistant.delta', 'assistant.message') AND visibility = 'user'
          AND jsonb_typeof(payload -> 'messageId') = 'string' AND jsonb_typeof(payload -> 'content') = 'string'
        ORDER BY seq
        LIMIT ${MAX_PIECES}
      ) e
      WINDOW said AS (PARTITION BY run_id, id, attempt)
    ), message AS (
      SELECT run_id, id, attempt, first_seq, string_agg(content, '' ORDER BY seq) AS content
      FROM (
        SELECT *, sum(length(content)) OVER (PARTITION BY run_id ORDER BY seq) AS characters
        FROM piece
        WHERE attempt = last_attempt AND (whole_seq IS NULL OR seq = whole_seq)
      ) AS newest
      WHERE characters <= ${MAX_PAYLOAD_CHARACTERS}
      GROUP BY run_id, id, attempt, first_seq
    )
    INSERT INTO agent_runtime.message (run_id, position, id, conversation_id, origin, body)
    SELECT m.run_id, ${FIRST_OUTPUT_POSITION - 1} + row_number() OVER (PARTITION BY m.run_id ORDER BY m.first_seq),
      CASE WHEN length(m.id) BETWEEN 1 AND ${MAX_ID_CHARACTERS} THEN m.id END, r.conversation_id, 'incomplete',
      jsonb_build_object('role', 'assistant', 'content', m.content)
    FROM message m JOIN agent_runtime.run r ON r.id = m.run_id
    WHERE m.content <> '' AND NOT EXISTS (
      SELECT FROM agent_runtime.event t
      WHERE t.run_id = m.run_id AND t.type = 'run.retrying' AND t.attempt >= m.attempt
        AND (jsonb_typeof(t.payload -> 'messageIds') = 'array' AND NOT t.payload -> 'messageIds' ? m.id) IS NOT TRUE)`,
}

/** Of runs that the transaction has ended, none of them well. Their events are written. */
export async function keepIncomplete(executor: Executor, runIds: readonly string[]): Promise<void> {
  if (runIds.length > 0) await execute(executor, KEEP, [runIds])
}
