import pg from 'pg'

/**
 * A pool of a test's own. It may still be saying goodbye when its database, or the network to it, goes: what
 * that breaks is nobody's concern, and unheard it would end the process.
 */
export function createTestPool(databaseUrl: string, options: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ connectionString: databaseUrl, application_name: 'test', ...options })
  pool.on('connect', (client) => client.on('error', ignore))
  pool.on('error', ignore)
  return pool
}

const ignore = () => {}
