import type pg from 'pg'
import { StoreFailure } from '../../ports/store/store-failure.ts'
import { toStoreFailure } from './to-store-failure.ts'

/** A transaction of the store, for what is to commit with it. */
export interface Transaction {
  /**
   * A statement with a `name`, unique to its text, is planned once a connection. Statements go out at once, in the
   * order they are asked for: those that do not need each other's answers need not wait for them.
   */
  query(statement: {
    text: string
    values?: unknown[]
    name?: string
  }): Promise<{ rows: Record<string, unknown>[] }>
}

/** What runs a statement: the pool for one of its own, a client inside a transaction. */
export type Executor = Pick<pg.Pool | pg.PoolClient, 'query'>

/**
 * A statement. The server plans one that has a name once per connection, so the name must be unique to `text`. A
 * plan that was made when a table was empty stays for a minute or so after it has filled up: what is rare, and slow
 * by such a plan, has no name and is planned each time.
 */
export interface Statement {
  name?: string
  text: string
}

/** @throws StoreFailure where it may be the fault of what it was given. */
export async function execute<TRow extends pg.QueryResultRow>(
  executor: Executor,
  statement: Statement,
  values: unknown[],
): Promise<TRow[]> {
  try {
    const result = await executor.query<TRow>({ ...statement, values })
    return result.rows
  } catch (error) {
    throw toStoreFailure(error)
  }
}

/** As PostgreSQL calls it. */
const CONNECTION_FAILURE = '08006'

/** Commits what `work` did, or rolls all of it back when it throws. */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient, tx: Transaction) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  let lost: Error | undefined
  // A socket that dies between two statements emits on the client; unheard it would end the process.
  // The next statement on it rejects, so there is nothing else to do here.
  const onConnectionLost = (error: Error) => {
    broken = error
    lost = error
  }
  client.on('error', onConnectionLost)
  try {
    // Connections pipeline: BEGIN travels with the first statement. One that fails takes that along.
    const [, result] = await Promise.all([
      client.query('BEGIN'),
      work(client, { query: async (statement) => client.query(statement) }),
    ])
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK').catch((rollbackError: Error) => {
      // The connection is in an unknown state: the pool must not hand it out again.
      broken = rollbackError
    })
    throw lost === undefined ? toStoreFailure(error) : connectionLost(error, lost)
  } finally {
    client.off('error', onConnectionLost)
    client.release(broken)
  }
}

/** What is said of a connection that is not there does not tell why, so that nobody knew it for an outage. */
function connectionLost(error: unknown, cause: Error): unknown {
  const isKnown = error instanceof StoreFailure || (error instanceof Error && 'code' in error)
  if (isKnown) return toStoreFailure(error)
  const message = 'The connection to the database was lost in mid-transaction.'
  return Object.assign(new Error(message, { cause }), { code: CONNECTION_FAILURE })
}
