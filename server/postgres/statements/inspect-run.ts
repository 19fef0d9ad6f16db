import type pg from 'pg'
import { MAX_INSPECTED } from '../../contract/inspection.ts'
import type { RunExecution, RunInspection } from '../../contract/inspection.ts'
import type { Reach } from '../../ports/owner.ts'
import { execute } from '../connections/transaction.ts'
import { forEachScope, isReached, reachValues } from '../owned-by.ts'
import { MAX_PAGE_BYTES } from './bounded-page.ts'
import { isoTime } from './iso-time.ts'
import { SUMMARY_COLUMNS, toSummary } from '../rows/run-row.ts'
import type { SummaryRow } from '../rows/run-row.ts'

/** The most stored bytes of results, which may be compressed, that are unpacked to see whether they fit. */
const MAX_STORED_BYTES = MAX_PAGE_BYTES / 4

/**
 * SQL for a JSON array of `fields` for each of `rows` (an ordered query). It has one more than is shown, to tell that
 * there are more.
 */
const arrayOf = (fields: string, rows: string, order = 'n') =>
  `(SELECT COALESCE(json_agg(json_build_object(${fields}) ORDER BY ${order}), '[]')
    FROM (${rows} LIMIT ${MAX_INSPECTED + 1}) AS t)`

/**
 * SQL for `rows` (a query with the columns `n` for the order, and `value`) with the value as `told`. It is NULL where
 * the value, together with those before it, is too large. Only values whose stored size may fit are unpacked, to
 * measure them.
 */
const withToldValues = (rows: string) => `
  SELECT *, CASE WHEN sum(octet_length(unpacked::text)) OVER first_ones <= ${MAX_PAGE_BYTES} THEN unpacked END AS told
  FROM (
    SELECT *, CASE WHEN sum(bytes) OVER first_ones <= ${MAX_STORED_BYTES} THEN
      CASE WHEN octet_length(value::text) <= ${MAX_PAGE_BYTES} THEN value END END AS unpacked
    FROM (SELECT *, COALESCE(pg_column_size(value), 0) AS bytes FROM (${rows}) AS rows) AS sized
    WINDOW first_ones AS (ORDER BY n ROWS UNBOUNDED PRECEDING)
  ) AS stored
  WINDOW first_ones AS (ORDER BY n ROWS UNBOUNDED PRECEDING)`

// Of many steps, the last completed ones are read, and their results have precedence: they show where the run is.
const STEPS = arrayOf(
  `'name', name, 'occurrence', occurrence, 'attempt', attempt, 'startedAt', ${isoTime('started_at')},
    'completedAt', ${isoTime('completed_at')}, 'bytes', bytes, 'result', told`,
  `${withToldValues(`
    SELECT *, result AS value, row_number() OVER (ORDER BY completed_at DESC, name DESC, occurrence DESC) AS n
    FROM agent_runtime.step WHERE run_id = r.id`)} ORDER BY n`,
  'n DESC',
)

const WAITS = arrayOf(
  `'name', name, 'occurrence', occurrence, 'kind', kind, 'status', status, 'createdAt', ${isoTime('created_at')},
    'expiresAt', ${isoTime('expires_at')}, 'settledAt', ${isoTime('settled_at')}, 'usedAt', ${isoTime('used_at')},
    'respondedBy', responded_by`,
  `SELECT *, row_number() OVER (ORDER BY created_at, name, occurrence) AS n
   FROM agent_runtime.wait WHERE run_id = r.id ORDER BY n`,
)

const CHILDREN = arrayOf(
  `'id', id, 'agentKey', agent_key, 'status', status, 'detached', detached`,
  `SELECT *, row_number() OVER (ORDER BY id) AS n FROM agent_runtime.run WHERE parent_run_id = r.id ORDER BY n`,
)

const CHECKPOINT = `(
    SELECT json_build_object('attempt', attempt, 'updatedAt', ${isoTime('updated_at')}, 'bytes', bytes, 'state', told)
    FROM (${withToldValues('SELECT *, state AS value, 1 AS n FROM agent_runtime.checkpoint WHERE run_id = r.id')}) AS t
  )`

// Reads the owner and the execution in one statement: between two, the run may get another owner or go on.
const INSPECT = forEachScope(
  'inspect_run',
  (scope) => `
    SELECT ${SUMMARY_COLUMNS}, ${STEPS} AS steps, ${WAITS} AS waits, ${CHILDREN} AS children, ${CHECKPOINT} AS checkpoint,
      json_build_object(
        'attempt', r.attempt,
        'maxAttempts', r.max_attempts,
        'worker', r.lease_owner,
        'leaseExpiresAt', ${isoTime('r.lease_expires_at')},
        'attemptStartedAt', ${isoTime('r.attempt_started_at')},
        'failures', r.failures,
        'losses', r.losses,
        'heldBy', CASE WHEN r.status <> 'queued' THEN NULL WHEN r.turn IS NOT NULL THEN 'turn'
          WHEN r.gate IN ('principal', 'tenant') THEN r.gate::text WHEN r.run_at > now() THEN 'time' END,
        'runAt', ${isoTime('r.run_at')},
        'agentVersion', r.agent_version,
        'traceparent', r.traceparent
      ) AS execution
    FROM agent_runtime.run r
    WHERE r.id = $1 AND ${isReached(scope, 'r', 2)}`,
)

type InspectionRow = SummaryRow & { execution: RunExecution } & Omit<
    RunInspection,
    'run' | 'execution' | 'hasMore'
  >

export async function inspectRun(pool: pg.Pool, reach: Reach, runId: string): Promise<RunInspection | null> {
  const [row] = await execute<InspectionRow>(pool, INSPECT[reach.scope], [runId, ...reachValues(reach)])
  if (row === undefined) return null
  const { execution, steps, waits, children, checkpoint } = row
  return {
    run: toSummary(row),
    execution,
    steps: steps.slice(-MAX_INSPECTED),
    waits: waits.slice(0, MAX_INSPECTED),
    checkpoint,
    children: children.slice(0, MAX_INSPECTED),
    hasMore: [steps, waits, children].some(({ length }) => length > MAX_INSPECTED),
  }
}
