// What migrations do to existing rows.
import { readdir, readFile } from 'node:fs/promises'
import { describe, expect } from 'vitest'
import { test as base } from '../../../support/runtime.ts'

const FOLDER = new URL('../../../../prisma/migrations/', import.meta.url)

const test = base.extend<{
  /** Migrates an empty database, and calls `prepare` just before the migration with that name. */
  migrateThrough(name: string, prepare: () => Promise<unknown>): Promise<void>
}>({
  migrateThrough: async ({ database }, use) => {
    await use(async (name, prepare) => {
      await database.sql('DROP SCHEMA agent_runtime CASCADE; CREATE SCHEMA agent_runtime')
      const folders = (await readdir(FOLDER)).filter((folder) => /^\d{14}_/.test(folder)).toSorted()
      if (!folders.some((folder) => folder.slice(15) === name))
        throw new Error(`there is no migration ${name}`)
      for (const folder of folders) {
        if (folder.slice(15) === name) await prepare()
        await database.sql(await readFile(new URL(`${folder}/migration.sql`, FOLDER), 'utf8'))
      }
    })
    // No queue has these runs.
    await database.sql('TRUNCATE agent_runtime.run, agent_runtime.conversation CASCADE')
  },
})

const uuid = (n: number) => `019aa000-0000-7000-8000-${String(n).padStart(12, '0')}`

describe('migrations', () => {
  test('a conversation gets the kind of the principal who began it', async ({ database, migrateThrough }) => {
    const { sql } = database
    const conversation = (n: number, ownerId: string, tenantId = '') =>
      sql('INSERT INTO agent_runtime.conversation (id, tenant_id, owner_id) VALUES ($1, $2, $3)', [
        uuid(n),
        tenantId,
        ownerId,
      ])
    const run = (n: number, ownerId: string, { kind, in: of }: { kind: string; in?: number }) =>
      sql(
        `INSERT INTO agent_runtime.run
           (id, owner_id, owner_kind, conversation_id, agent_key, max_attempts, timeout_ms)
         VALUES ($1, $2, $3, $4, 'a', 1, 1)`,
        [uuid(n), ownerId, kind, of === undefined ? null : uuid(of)],
      )
    await migrateThrough('owner_kind', async () => {
      for (const n of [1, 2, 3]) await conversation(n, 'ada')
      await run(12, 'ada', { kind: 'user', in: 1 })
      await run(11, 'ada', { kind: 'anonymous', in: 1 })
      await run(13, 'ada', { kind: 'user', in: 2 })
      await conversation(4, 'visitor')
      await run(14, 'visitor', { kind: 'anonymous' })
      await conversation(5, 'public')
      await conversation(6, 'public', 'acme')
      await conversation(7, 'nobody')
    })
    expect(
      (await sql('SELECT owner_kind FROM agent_runtime.conversation ORDER BY id')).map(
        (row) => row['owner_kind'],
      ),
    ).toEqual([
      ...['anonymous', 'user'],
      // Nothing tells which of the two owns it, so it does not go to the one that anybody can be.
      'user',
      ...['anonymous', 'public', 'user', 'user'],
    ])
  })

  test('runs of a conversation keep their order, and those to come go after them', async ({
    database,
    migrateThrough,
  }) => {
    const { sql } = database
    const insert = (n: number, conversation: number | null) =>
      sql(
        `INSERT INTO agent_runtime.run (id, owner_id, conversation_id, agent_key, max_attempts, timeout_ms)
         VALUES ($1, 'ada', $2, 'a', 1, 1)`,
        [uuid(n), conversation === null ? null : uuid(conversation)],
      )
    await migrateThrough('conversation_order', async () => {
      for (const n of [1, 2]) {
        await sql(`INSERT INTO agent_runtime.conversation (id, owner_id) VALUES ($1, 'ada')`, [uuid(n)])
      }
      for (const [n, conversation] of [
        [13, 1],
        [11, 1],
        [14, null],
        [12, 2],
      ] as const)
        await insert(n, conversation)
    })
    // Also written by a version that does not know the order.
    await insert(10, 1)
    const rows = await sql<{ n: number; ordinal: string | null }>(
      `SELECT right(id::text, 2)::int AS n, ordinal FROM agent_runtime.run ORDER BY ordinal NULLS FIRST`,
    )
    expect(rows.map(({ n }) => n)).toEqual([14, 11, 12, 13, 10])
    expect(new Set(rows.map(({ ordinal }) => ordinal)).size).toBe(5)
    expect(rows[0]?.ordinal).toBeNull()
  })
})
