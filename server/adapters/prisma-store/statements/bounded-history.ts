import { mostOf } from './bounded-page.ts'

/** What of a conversation an agent is handed at most, in bytes: more than any model reads. */
const MAX_HISTORY_BYTES = 32 * 1024 * 1024
/** No statement goes through a conversation longer than this, however short its messages. */
const MAX_HISTORY_RUNS = 10_000

/** Joined with nothing an object stays as it is, but is unpacked: that costs half of making text of it. */
const UNPACKED_BYTES = `pg_column_size(body || '{}')`

/**
 * SQL for what was said in a conversation (an expression) by runs that succeeded, as `{ messages, isCut }`: its newest runs
 * that fit. Of a run all or nothing, so that no result of a tool comes without its call.
 *
 * Runs are taken in chunks that fit for sure, by the most their messages can be unpacked. The first needs no more, and
 * almost always is all there is; only when there are others is anything unpacked to see how large it is, a chunk at a time.
 */
export function boundedHistory(conversationId: string): string {
  return `(
        WITH RECURSIVE said AS MATERIALIZED (
          SELECT spoken.ordinal, m.position, m.body,
            floor(sum(${mostOf('m.body')}::float8) OVER (ORDER BY spoken.ordinal DESC) / ${MAX_HISTORY_BYTES}) AS chunk
          FROM (
            SELECT id, ordinal FROM agent_runtime.run
            WHERE conversation_id = ${conversationId} AND status = 'succeeded'
            ORDER BY id DESC
            LIMIT ${MAX_HISTORY_RUNS}
          ) AS spoken
          CROSS JOIN LATERAL (
            SELECT position, body FROM agent_runtime.message WHERE run_id = spoken.id OFFSET 0
          ) AS m
        ), fitting AS (
          SELECT 0::float8 AS chunk, -1::float8 AS measured, 0::numeric AS bytes
          UNION ALL
          SELECT next.chunk, next.chunk, f.bytes + more.bytes
          FROM fitting f
          CROSS JOIN LATERAL (SELECT min(chunk) AS chunk FROM said WHERE chunk > f.chunk) AS next
          CROSS JOIN LATERAL (
            SELECT sum(${UNPACKED_BYTES}) AS bytes FROM said
            WHERE chunk > f.measured AND chunk <= next.chunk
          ) AS more
          WHERE f.bytes + more.bytes <= ${MAX_HISTORY_BYTES}
        )
        SELECT json_build_object(
          'messages', COALESCE(json_agg(body ORDER BY ordinal, position), '[]'),
          'isCut', (SELECT max(chunk) FROM said) > (SELECT max(chunk) FROM fitting))
        FROM said WHERE chunk <= (SELECT max(chunk) FROM fitting))`
}
