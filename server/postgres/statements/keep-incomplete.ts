// Keeps the messages of a run that did not succeed. They are made from its events, in the transaction of the end, by a
// separate last statement: a run that succeeds pays nothing for this.
import type pg from 'pg'
import { MAX_PAYLOAD_CHARACTERS } from '../../ports/attempt.ts'
import { execute } from '../connections/transaction.ts'
import { FIRST_OUTPUT_POSITION } from './stored-messages.ts'

/** The most events that are read, the first ones of each run. Runs that end together have equal shares. */
const MAX_PIECES = 100_000

/** The longest id of a message of an agent. */
const MAX_ID_CHARACTERS = 200

// Keeps what the run's readers see: each message as emitted by the last attempt that emitted it, unless that attempt's
// end made it void.
const KEEP = {
  name: 'keep_incomplete',
  text: `
    WITH retried AS MATERIALIZED (
      -- Read once for all messages, since no index finds these events.
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

/** The end of a run must not wait longer for this. */
const PATIENCE_MS = 3_000

// Remembers the usual timeout in a custom setting, so that restoring it needs no further round trip.
const HURRY = {
  text: `
    SELECT set_config('agent_runtime.usual_timeout', current_setting('statement_timeout'), true),
      set_config('statement_timeout', '${PATIENCE_MS}', true)`,
}
const AS_USUAL = {
  text: `SELECT set_config('statement_timeout', current_setting('agent_runtime.usual_timeout'), true)`,
}

/**
 * Called for runs that the transaction has ended without success, after their events were written. Messages that cannot
 * be kept are left out; PostgreSQL logs the error. The end of the run matters more, and would otherwise fail in the
 * same way at every try.
 */
export async function keepIncomplete(client: pg.PoolClient, runIds: readonly string[]): Promise<void> {
  if (runIds.length === 0) return
  // The statements are sent together. After a failed one, PostgreSQL refuses the rest.
  const results = await Promise.allSettled([
    client.query('SAVEPOINT keep_incomplete'),
    execute(client, HURRY, []),
    execute(client, KEEP, [runIds, Math.ceil(MAX_PIECES / runIds.length)]),
    execute(client, AS_USUAL, []),
    client.query('RELEASE SAVEPOINT keep_incomplete'),
  ])
  // This throws when the connection is lost, or the transaction was aborted before.
  if (results.some(({ status }) => status === 'rejected')) {
    await client.query('ROLLBACK TO SAVEPOINT keep_incomplete')
  }
}
