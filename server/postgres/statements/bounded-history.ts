import type { AgentMessage } from '../../contract/message.ts'
import { mostOf } from './bounded-page.ts'
import { branchPath, isOnPath, rankOf, untilPosition } from './branch-path.ts'
import { isHistory } from './spoken.ts'

export interface BoundedHistory {
  /** Oldest first. */
  messages: AgentMessage[]
  /** There are older ones, for which there was no room. */
  isCut: boolean
}

/** What of a conversation an agent is handed at most, in bytes of JSON: more than any model reads. */
const MAX_HISTORY_BYTES = 32 * 1024 * 1024
/** No statement goes through a conversation longer than this, however short its messages. */
const MAX_HISTORY_RUNS = 10_000
/** What is made JSON before it is asked how large that is: escapes and exponents make text many times as long. */
const CHUNK_BYTES = 4 * 1024 * 1024

/**
 * SQL for what was said before a run (a row) on its path by runs that are {@link isHistory history}, as text of a {@link BoundedHistory}: the
 * newest runs that fit. Which runs count, `isIncluded` may say otherwise. Of a run all or nothing, so that no result of a tool comes without its call.
 *
 * Runs are made JSON a chunk at a time, newest first, until there is no room for the next. Chunks are made by the most
 * that messages can be unpacked, so no more is unpacked than fits, and one chunk; almost always one is all there is.
 */
export function boundedHistory(run: string, isIncluded: (run: string) => string = isHistory): string {
  const conversationId = `${run}.conversation_id`
  return `(
        WITH RECURSIVE ${branchPath({ conversationId, branch: `${run}.branch`, ordinal: rankOf(run) })}, spoken AS (
          SELECT id, ordinal, until, sum(bytes) OVER (ORDER BY ordinal DESC) AS bytes_until
          FROM (
            SELECT o.id, ${rankOf('o')} AS ordinal, ${untilPosition('o')} AS until
            FROM agent_runtime.run o CROSS JOIN path
            WHERE o.conversation_id = ${conversationId} AND ${isOnPath('o', isIncluded('o'))}
            ORDER BY o.id DESC
            LIMIT ${MAX_HISTORY_RUNS}
          ) AS newest
          CROSS JOIN LATERAL (
            SELECT sum(${mostOf('body')})::float8 AS bytes FROM agent_runtime.message
            WHERE run_id = newest.id AND position < newest.until
          ) AS said
          WHERE bytes > 0
        ), chunk AS MATERIALIZED (
          SELECT row_number() OVER (ORDER BY part) AS n, run_ids, until
          FROM (
            SELECT floor(bytes_until / ${CHUNK_BYTES}) AS part, array_agg(id ORDER BY ordinal) AS run_ids,
              array_agg(until ORDER BY ordinal) AS until
            FROM spoken GROUP BY part
          ) AS parts
        ), fitting AS (
          SELECT 0::bigint AS n, NULL::text AS bodies, 0::bigint AS bytes
          UNION ALL
          SELECT chunk.n, said.bodies, fitting.bytes + octet_length(said.bodies)
          FROM fitting JOIN chunk ON chunk.n = fitting.n + 1
          CROSS JOIN LATERAL (
            SELECT string_agg(m.body::text, ',' ORDER BY spoken.place, m.position) AS bodies
            FROM unnest(chunk.run_ids, chunk.until) WITH ORDINALITY AS spoken (id, until, place)
            CROSS JOIN LATERAL (
              SELECT position, body FROM agent_runtime.message
              WHERE run_id = spoken.id AND position < spoken.until
              OFFSET 0
            ) AS m
          ) AS said
          WHERE fitting.bytes + octet_length(said.bodies) <= ${MAX_HISTORY_BYTES}
        )
        SELECT concat(
          '{"isCut":', (max(n) < (SELECT count(*) FROM chunk))::text,
          ',"messages":[', string_agg(bodies, ',' ORDER BY n DESC), ']}')
        FROM fitting)`
}
