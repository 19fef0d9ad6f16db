import pg from 'pg'

/**
 * A test's own pool. It may still be closing when its database or the network goes away. Those errors do not
 * matter, and without a listener they would end the process.
 */
export function createTestPool(databaseUrl: string, options: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ connectionString: databaseUrl, application_name: 'test', ...options })
  pool.on('connect', (client) => client.on('error', ignore))
  pool.on('error', ignore)
  return pool
}

const ignore = () => {}
