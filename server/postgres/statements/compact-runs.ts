// Folds the deltas of ended runs into their messages, so that a run only takes the space of its final messages. A
// reader at any cursor must still arrive at the same view as before:
// - Deltas of a message whose whole text follows as an assistant.message are deleted: that event replaces the reader's
//   text.
// - Other deltas (of incomplete messages and of reasoning) become one, in the place of the last, with `offset` 0: a
//   reader that has some of the text begins it anew.
// - Messages are shown in the order in which they began, by text, reasoning or a call. If another message came between a message's first delta and
//   its remaining row, the first delta stays.
// - A reader who sees the deltas but not the message must not lose the text. So a message only replaces deltas that have
//   no other readers.
// - Pieces of a tool call's arguments are deleted if the call follows, with all arguments, and all readers of the
//   pieces see it.
// - Heartbeats are deleted: they mean nothing for a run that is over.
// Rows that were folded before are left alone. Nothing else changes; in particular, `seq` never changes.
import type pg from 'pg'
import type { Sweep } from '../../ports/upkeep.ts'
import { execute } from '../connections/transaction.ts'
import { MAX_EVENTS, MAX_RUNS, sweepAlone } from './sweep.ts'

// Goes along the order in which runs ended, from where the last sweep stopped. So runs need no mark.
const PICK = {
  name: 'compact_pick',
  text: `
    SELECT id FROM (
      SELECT id, finished_at, sum(last_seq) OVER (ORDER BY finished_at, id) - last_seq AS events_before
      FROM (
        SELECT r.id, r.finished_at, r.last_seq
        FROM agent_runtime.sweep s
        CROSS JOIN LATERAL (
          SELECT id, finished_at, last_seq FROM agent_runtime.run
          WHERE (finished_at, id) > (s.at, s.id) AND finished_at < now() - $1 * interval '1 millisecond'
          ORDER BY finished_at, id
          LIMIT ${MAX_RUNS}
        ) r
        WHERE s.name = 'compaction'
      ) next
    ) batch
    WHERE events_before < ${MAX_EVENTS}
    ORDER BY finished_at, id`,
}

/**
 * A larger text could be too large for one value in PostgreSQL. It is left as it is, or the sweep would fail on it
 * forever.
 */
const MAX_FOLDED_BYTES = 100_000_000

// Uses window functions over one read of the events, and finds rows again by ctid. The planner cannot know how many
// pieces a message has, and would join them by comparing each with each. Nobody else changes events of ended runs, so
// their ctids stay the same.
// others: the number of pieces of other messages before this one in its attempt. It grows within a message if another
// message came in between.
const COMPACT = {
  name: 'compact_runs',
  text: `
    WITH piece AS (
      SELECT *,
        row_number() OVER (PARTITION BY run_id, attempt ORDER BY seq)
          - row_number() OVER (PARTITION BY run_id, attempt, message_id ORDER BY seq) AS others,
        max(visibility) FILTER (WHERE is_delta) OVER message AS seen_by,
        min(visibility) FILTER (WHERE is_delta) OVER message AS seen_by_least,
        bool_or(is_folded) OVER message AS was_folded,
        sum(octet_length(content)) OVER message AS bytes,
        min(seq) FILTER (WHERE is_delta) OVER message AS first_seq,
        max(seq) FILTER (WHERE is_delta) OVER message AS last_seq
      FROM (
        SELECT ctid, run_id, seq, attempt, visibility, type IN ('assistant.delta', 'reasoning.delta') AS is_delta,
          CASE WHEN type LIKE 'tool.%' THEN 'call' WHEN type = 'reasoning.delta' THEN 'thought' ELSE 'text' END AS kind,
          payload ? 'offset' AS is_folded,
          payload ->> 'messageId' AS message_id, payload ->> 'content' AS content
        FROM agent_runtime.event
        WHERE run_id = ANY ($1::uuid[])
          AND type IN ('assistant.delta', 'assistant.message', 'reasoning.delta', 'tool.input', 'tool.call')
          AND jsonb_typeof(payload -> 'messageId') = 'string'
          AND (type = 'tool.call' OR jsonb_typeof(payload -> 'content') = 'string')
      ) e
      WINDOW message AS (PARTITION BY run_id, attempt, kind, message_id)
    ), delta AS (
      SELECT * FROM (
        SELECT *,
          bool_or(NOT is_delta AND visibility >= seen_by) OVER message AS is_complete,
          COALESCE(min(others) FILTER (WHERE NOT is_delta AND visibility >= seen_by) OVER message,
            max(others) FILTER (WHERE is_delta) OVER message) > min(others) OVER message AS is_interrupted
        FROM piece
        WINDOW message AS (PARTITION BY run_id, attempt, kind, message_id)
      ) p
      WHERE is_delta AND seen_by = seen_by_least AND NOT was_folded AND bytes <= ${MAX_FOLDED_BYTES}
    ), whole AS (
      SELECT max(ctid) FILTER (WHERE seq = last_seq) AS place,
        jsonb_build_object(
          'messageId', message_id, 'content', string_agg(content, '' ORDER BY seq), 'offset', 0) AS payload
      FROM delta
      WHERE NOT is_complete AND first_seq < last_seq
      GROUP BY run_id, attempt, kind, message_id
    ), folded AS (
      UPDATE agent_runtime.event e SET payload = whole.payload FROM whole WHERE e.ctid = whole.place
    ), gone AS (
      DELETE FROM agent_runtime.event
      WHERE ctid = ANY (ARRAY (
        SELECT ctid FROM delta
        WHERE (is_complete OR seq <> last_seq) AND NOT (is_interrupted AND seq = first_seq)))
      RETURNING 1
    ), inputs AS (
      DELETE FROM agent_runtime.event
      WHERE ctid = ANY (ARRAY (
        SELECT ctid FROM (
          SELECT ctid, type, visibility, max(visibility) FILTER (WHERE type = 'tool.call') OVER (
            PARTITION BY run_id, payload ->> 'toolCallId') AS called_for
          FROM agent_runtime.event
          WHERE run_id = ANY ($1::uuid[]) AND type IN ('tool.call', 'tool.input')
            AND jsonb_typeof(payload -> 'toolCallId') = 'string'
        ) c
        WHERE type = 'tool.input' AND visibility <= called_for))
      RETURNING 1
    ), beats AS (
      DELETE FROM agent_runtime.event WHERE run_id = ANY ($1::uuid[]) AND type = 'run.heartbeat'
      RETURNING 1
    )
    SELECT (SELECT count(*) FROM gone)::int + (SELECT count(*) FROM inputs)::int
      + (SELECT count(*) FROM beats)::int AS rows`,
}

const MOVE_ON = {
  name: 'compact_move_on',
  text: `
    UPDATE agent_runtime.sweep s SET at = r.finished_at, id = r.id
    FROM agent_runtime.run r
    WHERE s.name = 'compaction' AND r.id = $1`,
}

export async function compactRuns(pool: pg.Pool, ageMs: number): Promise<Sweep> {
  return sweepAlone(pool, 'compaction', async (client) => {
    const runs = await execute<{ id: string }>(client, PICK, [ageMs])
    const last = runs.at(-1)
    if (last === undefined) return { rows: 0, isDone: true }
    const [done] = await execute<{ rows: number }>(client, COMPACT, [runs.map(({ id }) => id)])
    await execute(client, MOVE_ON, [last.id])
    return { rows: done?.rows ?? 0, isDone: false }
  })
}
