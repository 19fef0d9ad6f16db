import type pg from 'pg'
import type { AnyRunEvent, Visibility } from '../../../contract/event.ts'
import type { Json } from '../../../contract/json.ts'
import { execute } from '../transaction.ts'

const READ = {
  name: 'read_events',
  text: `
    SELECT seq, attempt, type, visibility, payload, ts FROM agent_runtime.event
    WHERE run_id = $1 AND seq > $2
    ORDER BY seq
    LIMIT $3`,
}

interface EventRow {
  seq: number
  attempt: number
  type: string
  visibility: Visibility
  payload: Json
  ts: Date
}

export async function readEvents(
  pool: pg.Pool,
  runId: string,
  range: { afterSeq: number; limit: number },
): Promise<AnyRunEvent[]> {
  const rows = await execute<EventRow>(pool, READ, [runId, range.afterSeq, range.limit])
  return rows.map((row) => ({
    runId,
    seq: row.seq,
    attempt: row.attempt,
    visibility: row.visibility,
    ts: row.ts.toISOString(),
    type: row.type,
    payload: row.payload,
  }))
}
