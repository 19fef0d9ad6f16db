// What runs that were broken off told of their calls. Their history has only texts, since an agent decides what else it
// is made of, and these never did.
import type pg from 'pg'
import { TERMINAL_STATUSES } from '../../contract/terminal.ts'
import type { Visibility } from '../../contract/visibility.ts'
import { listOf } from '../../lifecycle/statuses.ts'
import type { Reach } from '../../ports/owner.ts'
import type { BrokenOffEvent } from '../../ports/store/conversation-store.ts'
import { execute } from '../connections/transaction.ts'
import { forEachScope, isReached, reachValues } from '../owned-by.ts'

const BROKEN_OFF = listOf(TERMINAL_STATUSES.filter((status) => status !== 'succeeded'))

/** Of all runs together: the newest have theirs first. So much is read, and so much of what was compressed is answered. */
const MAX_CHARACTERS = 10_000_000
const MAX_EVENTS = 10_000

// As with texts, calls of an attempt that failed are left out if its messages are void. Messages and events are matched
// by one sort, since a join may read all events of a run once for each of its messages.
const READ = forEachScope(
  'read_broken_off',
  (scope) => `
    WITH asked AS MATERIALIZED (
      SELECT r.id FROM agent_runtime.run r
      WHERE r.id = ANY ($1::uuid[]) AND r.status IN ${BROKEN_OFF} AND ${isReached(scope, 'r', 3)}
    ), retried AS MATERIALIZED (
      SELECT run_id, attempt, payload -> 'messageIds' AS void FROM agent_runtime.event
      WHERE run_id IN (SELECT id FROM asked) AND type = 'run.retrying'
    ), told AS (
      SELECT e.run_id, e.seq, e.ts, e.type, NULL AS id, pg_column_size(e.payload) AS bytes
      FROM agent_runtime.event e
      WHERE e.run_id IN (SELECT id FROM asked) AND e.type IN ('tool.call', 'tool.result')
        AND e.visibility = ANY ($2::agent_runtime.visibility[])
        AND (e.type = 'tool.result' OR NOT EXISTS (
          SELECT FROM retried t
          WHERE t.run_id = e.run_id AND t.attempt >= e.attempt
            AND (jsonb_typeof(t.void) = 'array' AND NOT t.void ? (e.payload ->> 'messageId')) IS NOT TRUE))
      UNION ALL
      SELECT run_id, min(seq), min(ts), 'text', id, length(id)
      FROM (
        SELECT *, max(attempt) OVER of_message AS last_attempt, bool_or(is_stored) OVER of_message AS is_kept
        FROM (
          SELECT run_id, seq, ts, attempt, payload ->> 'messageId' AS id, false AS is_stored
          FROM agent_runtime.event
          WHERE run_id IN (SELECT id FROM asked) AND type NOT LIKE 'tool.%' AND payload ->> 'messageId' IS NOT NULL
          UNION ALL
          SELECT run_id, NULL, NULL, NULL, id, true
          FROM agent_runtime.message WHERE run_id IN (SELECT id FROM asked) AND id IS NOT NULL
        ) AS named
        WINDOW of_message AS (PARTITION BY run_id, id)
      ) AS said
      WHERE attempt = last_attempt AND is_kept
      GROUP BY run_id, id
    ), sized AS (
      SELECT *, sum(bytes) OVER newest AS stored, row_number() OVER newest AS events FROM told
      WINDOW newest AS (ORDER BY run_id DESC, seq)
    ), bounded AS (
      SELECT s.run_id, s.seq, s.ts, s.type, COALESCE(e.payload, jsonb_build_object('messageId', s.id)) AS payload,
        sum(length(e.payload::text)) OVER (ORDER BY s.run_id DESC, s.seq) AS characters
      FROM sized s
      LEFT JOIN agent_runtime.event e ON s.id IS NULL AND e.run_id = s.run_id AND e.seq = s.seq
      WHERE s.stored <= ${MAX_CHARACTERS} AND s.events <= ${MAX_EVENTS}
    )
    SELECT run_id AS "runId", ts AS at, type, payload FROM bounded
    WHERE COALESCE(characters, 0) <= ${MAX_CHARACTERS}
    ORDER BY run_id, seq`,
)

type Row = Omit<BrokenOffEvent, 'at'> & { at: Date }

/** Of these runs within reach, the calls and results that these visibilities have. */
export async function readBrokenOff(
  pool: pg.Pool,
  reach: Reach,
  runIds: readonly string[],
  visibilities: readonly Visibility[],
): Promise<BrokenOffEvent[]> {
  if (runIds.length === 0) return []
  const rows = await execute<Row>(pool, READ[reach.scope], [runIds, visibilities, ...reachValues(reach)])
  return rows.map(({ at, ...event }) => ({ ...event, at: new Date(at).toISOString() }))
}
