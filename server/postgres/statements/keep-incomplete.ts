// What a run had said stays when it ends otherwise than well. It is made of its events, in the transaction of the end, by a
// statement that comes after all of them: the good end of a run pays nothing for it.
import type pg from 'pg'
import { MAX_PAYLOAD_CHARACTERS } from '../../ports/attempt.ts'
import { execute } from '../connections/transaction.ts'
import { FIRST_OUTPUT_POSITION } from './stored-messages.ts'

/** The most pieces that are looked at, the first ones of each run: runs that end at once have equal shares. */
const MAX_PIECES = 100_000

/** What can name a message of an agent. */
const MAX_ID_CHARACTERS = 200

// What the run's readers have of it: of each message what the last attempt to say it said, unless that ended and left it void.
const KEEP = {
  name: 'keep_incomplete',
  text: `
    WITH retried AS MATERIALIZED (
      -- Once for all messages: no index finds these.
      SELECT run_id, attempt, payload -> 'messageIds' AS void FROM agent_runtime.event
      WHERE run_id = ANY ($1::uuid[]) AND type = 'run.retrying'
    ), piece AS (
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
        LIMIT $2
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
      SELECT FROM retried t
      WHERE t.run_id = m.run_id AND t.attempt >= m.attempt
        AND (jsonb_typeof(t.void) = 'array' AND NOT t.void ? m.id) IS NOT TRUE)`,
}

/** Ends of runs must not wait longer for what they said. */
const PATIENCE_MS = 3_000

// A setting of our own remembers the other until then, so that neither needs another round trip.
const HURRY = {
  text: `
    SELECT set_config('agent_runtime.usual_timeout', current_setting('statement_timeout'), true),
      set_config('statement_timeout', '${PATIENCE_MS}', true)`,
}
const AS_USUAL = {
  text: `SELECT set_config('statement_timeout', current_setting('agent_runtime.usual_timeout'), true)`,
}

/**
 * Of runs that the transaction has ended, none of them well. Their events are written. What can't be kept is left out, which
 * PostgreSQL notes in its log: the end of a run matters more, and would fail the same way each time it is tried again.
 */
export async function keepIncomplete(client: pg.PoolClient, runIds: readonly string[]): Promise<void> {
  if (runIds.length === 0) return
  // They go out together. After one that failed, PostgreSQL refuses the rest.
  const results = await Promise.allSettled([
    client.query('SAVEPOINT keep_incomplete'),
    execute(client, HURRY, []),
    execute(client, KEEP, [runIds, Math.ceil(MAX_PIECES / runIds.length)]),
    execute(client, AS_USUAL, []),
    client.query('RELEASE SAVEPOINT keep_incomplete'),
  ])
  // Fails where the connection is lost, or the transaction was over before.
  if (results.some(({ status }) => status === 'rejected')) {
    await client.query('ROLLBACK TO SAVEPOINT keep_incomplete')
  }
}
