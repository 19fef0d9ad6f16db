// Tells a conversation that detached runs (`onEnd: 'continue'`) are over, when the run that started them is over too.
// The message is left with that run, as one that it did not read, so the conversation's next run gets it.
import type pg from 'pg'
import { toEndedMessage } from '../../contract/ended-run.ts'
import type { EndedRun } from '../../contract/ended-run.ts'
import type { Json } from '../../contract/json.ts'
import { ENDED_KEY_PREFIX } from '../../contract/sent-message.ts'
import { toStorableJson } from '../../contract/storable-json.ts'
import { execute } from '../connections/transaction.ts'

/** The most ends that one transaction tells. */
const MAX_ENDS = 200
/** In characters. */
const MAX_RESULT = 8_000
const MAX_ERROR = 2_000

export interface UntoldEnd {
  parentId: string
  runId: string
  agentKey: string
  status: EndedRun['status']
  /** JSON, or its beginning. Null for none. */
  output: string | null
  /** Its last words, or their beginning. */
  said: string | null
  error: { code: string; message: string } | null
}

const SAID = `(
        SELECT left(CASE jsonb_typeof(m.body -> 'content')
          WHEN 'string' THEN m.body ->> 'content'
          WHEN 'array' THEN (
            SELECT string_agg(part ->> 'text', '' ORDER BY place)
            FROM jsonb_array_elements(m.body -> 'content') WITH ORDINALITY AS parts (part, place)
            WHERE part ->> 'type' = 'text')
        END, ${MAX_RESULT + 1})
        FROM agent_runtime.message m
        WHERE m.run_id = c.id AND m.origin = 'output' AND m.body ->> 'role' = 'assistant'
        ORDER BY m.position DESC LIMIT 1)`

// Whichever of the two runs ends later finds the other one over. A run that has `child.ended` in its stream was told
// while it was under way. A run that was cancelled tells nothing: somebody did not want it.
const FIND = {
  name: 'ends_find',
  text: `
    WITH asked AS (
      SELECT id AS parent_id, NULL::uuid AS child_id FROM unnest($1::uuid[]) AS over (id)
      UNION ALL
      SELECT parent_run_id, id FROM agent_runtime.run WHERE id = ANY ($1::uuid[]) AND detached
    ), over AS MATERIALIZED (
      SELECT DISTINCT p.id AS parent_id, c.id
      FROM asked a
      JOIN agent_runtime.wait w ON w.run_id = a.parent_id AND w.kind = 'child' AND w.request ->> 'onEnd' = 'continue'
      JOIN agent_runtime.run p ON p.id = w.run_id AND p.finished_at IS NOT NULL
      JOIN agent_runtime.run c ON c.finished_at IS NOT NULL AND c.status <> 'cancelled'
        AND c.id = CASE WHEN w.kind = 'child' THEN (w.request #>> '{details,runId}')::uuid END
      WHERE a.child_id IS NULL OR a.child_id = c.id
    ), told AS MATERIALIZED (
      SELECT payload ->> 'childRunId' AS id FROM agent_runtime.event
      WHERE run_id IN (SELECT parent_id FROM over) AND type = 'child.ended'
    )
    SELECT o.parent_id AS "parentId", c.id AS "runId", c.agent_key AS "agentKey", c.status,
      CASE WHEN jsonb_typeof(c.output) <> 'null' THEN left(c.output::text, ${MAX_RESULT + 1}) END AS output,
      ${SAID} AS said,
      CASE WHEN c.status <> 'succeeded' THEN
        jsonb_build_object('code', c.error ->> 'code', 'message', left(c.error ->> 'message', ${MAX_ERROR}))
      END AS error
    FROM over o JOIN agent_runtime.run c ON c.id = o.id
    WHERE NOT EXISTS (SELECT FROM told WHERE told.id = o.id::text)
      AND NOT EXISTS (
        SELECT FROM agent_runtime.sent_message s WHERE s.run_id = o.parent_id AND s.key = '${ENDED_KEY_PREFIX}' || o.id)
    ORDER BY c.id
    LIMIT ${MAX_ENDS}`,
}

// Looks again for the key: the other run's news may have been told while this waited for the lock.
const LEAVE = {
  name: 'ends_leave',
  text: `
    WITH untold AS (
      SELECT e.*, row_number() OVER (PARTITION BY e.parent_id ORDER BY e.run_id)::int AS place
      FROM unnest($1::uuid[], $2::uuid[], $3::jsonb[]) AS e (parent_id, run_id, body)
      WHERE NOT EXISTS (
        SELECT FROM agent_runtime.sent_message s WHERE s.run_id = e.parent_id AND s.key = '${ENDED_KEY_PREFIX}' || e.run_id)
    ), counted AS (
      UPDATE agent_runtime.run r SET sent = COALESCE(r.sent, 0) + u.count
      FROM (SELECT parent_id, count(*)::int AS count FROM untold GROUP BY parent_id) AS u
      WHERE r.id = u.parent_id
      RETURNING r.id, r.sent - u.count AS before
    ), left_there AS (
      INSERT INTO agent_runtime.sent_message (run_id, position, id, key, body, left_at)
      SELECT c.id, c.before + u.place, gen_random_uuid(), '${ENDED_KEY_PREFIX}' || u.run_id, u.body, now()
      FROM untold u JOIN counted c ON c.id = u.parent_id
    )
    SELECT id FROM counted`,
}

/** @param runIds runs that are over: those that started others, and those that were started */
export async function findUntoldEnds(
  client: pg.PoolClient,
  runIds: readonly string[],
): Promise<{ ends: UntoldEnd[]; isAll: boolean }> {
  if (runIds.length === 0) return { ends: [], isAll: true }
  const ends = await execute<UntoldEnd>(client, FIND, [runIds])
  return { ends, isAll: ends.length < MAX_ENDS }
}

/**
 * Leaves a message of each end with the run that started it, whose row is locked.
 *
 * @returns the runs that have messages left
 */
export async function leaveEnds(client: pg.PoolClient, ends: readonly UntoldEnd[]): Promise<string[]> {
  if (ends.length === 0) return []
  const rows = await execute<{ id: string }>(client, LEAVE, [
    ends.map(({ parentId }) => parentId),
    ends.map(({ runId }) => runId),
    ends.map((end) => toStorableJson(toEndedMessage(toEndedRun(end)))),
  ])
  return rows.map(({ id }) => id)
}

function toEndedRun({ runId, agentKey, status, output, said, error }: UntoldEnd): EndedRun {
  const ended = { runId, agentKey, status }
  if (status !== 'succeeded') return error === null ? ended : { ...ended, error }
  const text = output ?? said ?? ''
  // By code points, as PostgreSQL counts: half a surrogate pair could not be stored.
  const characters = Array.from(text)
  if (characters.length > MAX_RESULT) {
    return { ...ended, result: characters.slice(0, MAX_RESULT).join(''), isCut: true }
  }
  return { ...ended, result: output === null ? text : (JSON.parse(output) as Json) }
}
