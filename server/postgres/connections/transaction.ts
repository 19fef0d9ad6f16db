import type pg from 'pg'
import { StoreFailure } from '../../ports/store/store-failure.ts'
import { toStoreFailure } from './to-store-failure.ts'

/** A transaction of the store, for statements that must commit with it. */
export interface Transaction {
  /**
   * A statement with a `name`, unique to its text, is planned once per connection. Statements are sent at once, in the
   * order of calls, so independent statements need not wait for each other.
   */
  query(statement: {
    text: string
    values?: unknown[]
    name?: string
  }): Promise<{ rows: Record<string, unknown>[] }>
}

/** Runs a statement: the pool outside of transactions, a client inside one. */
export type Executor = Pick<pg.Pool | pg.PoolClient, 'query'>

/**
 * A statement. PostgreSQL plans a named one once per connection, so the name must be unique to `text`. A plan made for
 * an empty table is kept for about a minute after the table has filled up. A rare statement that would be slow with
 * such a plan has no name, so it is planned each time.
 */
export interface Statement {
  name?: string
  text: string
}

/** @throws StoreFailure when the values may be the cause, or another transaction was in the way */
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

/** PostgreSQL's code for a lost connection. */
const CONNECTION_FAILURE = '08006'

/** Commits the changes of `work`, or rolls them back when it throws. */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient, tx: Transaction) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  let lost: Error | undefined
  // A socket that dies between two statements emits an error, which would end the process without a listener. The next
  // statement rejects, so there is nothing else to do here.
  const onConnectionLost = (error: Error) => {
    broken = error
    lost = error
  }
  client.on('error', onConnectionLost)
  try {
    // Connections pipeline, so BEGIN travels with the first statement. If BEGIN fails, that statement fails too.
    const [, result] = await Promise.all([
      client.query('BEGIN'),
      work(client, { query: async (statement) => client.query(statement) }),
    ])
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK').catch((rollbackError: Error) => {
      // The state of the connection is unknown, so the pool must not use it again.
      broken = rollbackError
    })
    throw lost === undefined ? toStoreFailure(error) : connectionLost(error, lost)
  } finally {
    client.off('error', onConnectionLost)
    client.release(broken)
  }
}

/** Gives the error of a lost connection a code, which marks it as an outage. The driver's own error has none. */
function connectionLost(error: unknown, cause: Error): unknown {
  const isKnown = error instanceof StoreFailure || (error instanceof Error && 'code' in error)
  if (isKnown) return toStoreFailure(error)
  const message = 'The connection to the database was lost during a transaction.'
  return Object.assign(new Error(message, { cause }), { code: CONNECTION_FAILURE })
}
