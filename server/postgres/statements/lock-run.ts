import type { Owner } from '../../ports/owner.ts'
import { isOwned, ownerValues } from '../owned-by.ts'
import { RUN_COLUMNS } from '../rows/run-row.ts'
import type { RunRow } from '../rows/run-row.ts'
import { execute } from '../connections/transaction.ts'
import type { Executor } from '../connections/transaction.ts'

const LOCK = {
  name: 'lock_run',
  text: `
    SELECT ${RUN_COLUMNS} FROM agent_runtime.run r
    WHERE r.id = $1 AND ${isOwned('r', 2)}
    FOR NO KEY UPDATE`,
}

/** Reads a run of this owner and locks it until the transaction ends. */
export async function lockRun(client: Executor, owner: Owner, runId: string): Promise<RunRow | undefined> {
  const [row] = await execute<RunRow>(client, LOCK, [runId, ...ownerValues(owner)])
  return row
}
