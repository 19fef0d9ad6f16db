import type pg from 'pg'
import type { StoredMessage } from '../../contract/message.ts'
import type { Run } from '../../contract/run.ts'
import type { Reach } from '../../ports/owner.ts'
import { forEachScope, isReached, reachValues } from '../owned-by.ts'
import { execute } from '../connections/transaction.ts'
import { RUN_COLUMNS, toRun } from './rows.ts'
import type { RunRow } from './rows.ts'
import { storedJson, toStoredMessage } from './stored-messages.ts'
import type { StoredRow } from './stored-messages.ts'

// Whose it is, and what was said, in one statement: between two it may become somebody else's, and go on.
const READ = forEachScope(
  'read_run',
  (scope) => `
    SELECT ${RUN_COLUMNS}, (
      SELECT COALESCE(json_agg(${storedJson('m')} ORDER BY m.position), '[]')
      FROM agent_runtime.message m WHERE m.run_id = r.id
    ) AS messages
    FROM agent_runtime.run r
    WHERE r.id = $1 AND ${isReached(scope, 'r', 2)}`,
)

export async function readRun(
  pool: pg.Pool,
  reach: Reach,
  runId: string,
): Promise<(Run & { messages: StoredMessage[] }) | null> {
  const [row] = await execute<RunRow & { messages: StoredRow[] }>(pool, READ[reach.scope], [
    runId,
    ...reachValues(reach),
  ])
  if (row === undefined) return null
  return { ...toRun(row), messages: row.messages.map(toStoredMessage) }
}
