import type pg from 'pg'
import type { RunDetail } from '../../contract/run.ts'
import type { Reach } from '../../ports/owner.ts'
import { forEachScope, isReached, reachValues } from '../owned-by.ts'
import { execute } from '../connections/transaction.ts'
import { toRun } from '../rows/run-row.ts'
import { spokenColumns } from './spoken-run.ts'
import type { SpokenRow } from './spoken-run.ts'
import { storedJson, toStoredMessage } from './stored-messages.ts'
import type { StoredRow } from './stored-messages.ts'

// Reads the owner and the messages in one statement: between two, the run may get another owner or go on.
const READ = forEachScope(
  'read_run',
  (scope) => `
    SELECT ${spokenColumns(storedJson('m'))}, COALESCE((
      SELECT e.ts FROM agent_runtime.event e WHERE e.run_id = r.id AND e.seq = r.last_seq
    ), r.created_at) AS "updatedAt"
    FROM agent_runtime.run r
    WHERE r.id = $1 AND ${isReached(scope, 'r', 2)}`,
)

export async function readRun(
  pool: pg.Pool,
  reach: Reach,
  runId: string,
): Promise<Omit<RunDetail, 'waits'> | null> {
  const [row] = await execute<SpokenRow<StoredRow> & { updatedAt: Date }>(pool, READ[reach.scope], [
    runId,
    ...reachValues(reach),
  ])
  if (row === undefined) return null
  return {
    ...toRun(row),
    messages: row.messages.map(toStoredMessage),
    inputCount: row.inputCount,
    usage: row.usage as RunDetail['usage'],
    updatedAt: row.updatedAt.toISOString(),
  }
}
