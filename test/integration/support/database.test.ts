import pg from 'pg'
import { expect, test } from 'vitest'
import { createTestDatabase } from '../../support/database.ts'

async function tablesOf(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string }>(
      `SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname LIKE 'agent_runtime%'`,
    )
    return rows.map((row) => row.name)
  } finally {
    await client.end()
  }
}

test('every test database is migrated, and apart from the others', async () => {
  const databases = await Promise.all(Array.from({ length: 8 }, () => createTestDatabase()))
  try {
    expect(new Set(databases.map(({ url }) => url)).size).toBe(8)
    for (const { url } of databases) {
      expect(await tablesOf(url)).toEqual(
        expect.arrayContaining(['agent_runtime.run', 'agent_runtime.event', 'agent_runtime_queue.job']),
      )
    }
  } finally {
    await Promise.all(databases.map((database) => database.drop()))
  }
})

test('a dropped database is gone, also while somebody is connected to it', async () => {
  const database = await createTestDatabase()
  const client = new pg.Client({ connectionString: database.url })
  const broken = new Promise<Error>((resolve) => client.on('error', resolve))
  await client.connect()
  await database.drop()
  await broken
  await expect(tablesOf(database.url)).rejects.toMatchObject({ code: '3D000' })
})
