import type { AgentMessage } from '../../contract/message.ts'
import { mostOf } from './bounded-page.ts'
import { branchPath, isOnPath, rankOf, untilPosition } from './branch-path.ts'
import { isHistory } from './spoken.ts'

export interface BoundedHistory {
  /** Oldest first. */
  messages: AgentMessage[]
  /** There are older messages, which did not fit. */
  isCut: boolean
}

/** The most that an agent gets of a conversation, in bytes of JSON: more than any model reads. */
const MAX_HISTORY_BYTES = 32 * 1024 * 1024
/** The most runs of a conversation that a statement reads, however short their messages. */
const MAX_HISTORY_RUNS = 10_000
/**
 * How much is turned into JSON before its size is checked. Escapes and exponents can make the text many times as long.
 */
const CHUNK_BYTES = 4 * 1024 * 1024

/**
 * SQL for the messages before a run (a row) on its path, as the JSON text of a {@link BoundedHistory}: the newest runs
 * that fit. By default runs that are {@link isHistory history} count; `isIncluded` may choose others. Each run is
 * included whole or not at all, so that no tool result comes without its call.
 *
 * Runs are turned into JSON in chunks, newest first, until the next chunk does not fit. Chunks are cut by the largest
 * size that the messages can have unpacked, so at most one chunk too many is unpacked. Almost always there is only one.
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
