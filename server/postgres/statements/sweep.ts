// Shared by all sweeps: makes processes work one at a time, and limits the size of a batch.
import type pg from 'pg'
import type { Sweep } from '../../ports/upkeep.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import type { Executor } from '../connections/transaction.ts'

/** The most runs of a batch. Each costs an index lookup in the events, even if there is nothing to do. */
export const MAX_RUNS = 500
/**
 * The most events of a batch, unless a single run has more. This limits how long locks are held and a rollback takes.
 */
export const MAX_EVENTS = 5_000

const TAKE_TIME = {
  name: 'sweep_take_time',
  text: `SELECT set_config('statement_timeout', $1, true)`,
}

/** Runs a batch at which other processes may work too. */
export async function sweepTogether<T>(pool: pg.Pool, work: (executor: Executor) => Promise<T>): Promise<T> {
  return inTransaction(pool, async (client) => {
    const [, result] = await Promise.all([execute(client, TAKE_TIME, [STATEMENT_MS]), work(patient(client))])
    return result
  })
}

/**
 * A sweep's statements may take longer than others, since a run is deleted as a whole and may have millions of events.
 */
const STATEMENT_MS = 300_000
/** Longer than the server's limit, as everywhere. */
const QUERY_TIMEOUT_MS = STATEMENT_MS + 5_000

const TAKE = {
  name: 'sweep_take',
  text: `
    SELECT set_config('statement_timeout', '${STATEMENT_MS}', true)
    FROM agent_runtime.sweep WHERE name = $1 FOR NO KEY UPDATE SKIP LOCKED`,
}

/**
 * Runs `work` for one batch of the sweep `name`, unless another process is doing so. The batch commits as a whole, so a
 * process that dies leaves it to the next as if it had never begun.
 */
export async function sweepAlone(
  pool: pg.Pool,
  name: 'compaction' | 'conversations' | 'retention' | 'sessions',
  work: (executor: Executor) => Promise<Sweep>,
): Promise<Sweep> {
  return inTransaction(pool, async (client) => {
    const taken = await execute(client, TAKE, [name])
    return taken.length === 0 ? { rows: 0, isDone: true } : work(patient(client))
  })
}

function patient(client: pg.PoolClient): Executor {
  const query = (statement: pg.QueryConfig) =>
    client.query({ ...statement, query_timeout: QUERY_TIMEOUT_MS } as pg.QueryConfig)
  return { query: query as Executor['query'] }
}
