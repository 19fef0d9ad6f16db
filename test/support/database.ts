import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import type { ClusterAccess } from './cluster.ts'

export interface TestDatabase extends AsyncDisposable {
  url: string
  /** Ends all of its connections, then removes it. */
  drop(): Promise<void>
}

/**
 * A migrated, empty database for one test or file. Without `cluster`, it is in the run's shared cluster.
 *
 * @example await using database = await createTestDatabase()
 */
export async function createTestDatabase(cluster: ClusterAccess = inject('postgres')): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await administer(cluster, `CREATE DATABASE ${name} TEMPLATE ${cluster.template}`)
  const drop = (): Promise<void> => administer(cluster, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
  return { url: cluster.adminUrl.replace(/[^/]+$/, name), drop, [Symbol.asyncDispose]: drop }
}

async function administer({ adminUrl }: ClusterAccess, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
