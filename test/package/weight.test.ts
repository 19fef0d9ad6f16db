// The size of the package for an app that is only a page. The server's packages are installed too, so they
// must be small.
import { glob, lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { createTestDatabase } from '../support/database.ts'
import { createPackedApp } from '../support/packed-app.ts'
import type { PackedApp } from '../support/packed-app.ts'

/** Without TypeScript: it is a peer of tRPC, and every TypeScript app has it. */
const MAX_MEGABYTES = 50

let app: PackedApp

beforeAll(async () => {
  app = await createPackedApp('bundled', [])
})
afterAll(() => app[Symbol.asyncDispose]())

async function megabytes(pattern: string): Promise<number> {
  let bytes = 0
  for await (const name of glob(pattern, { cwd: app.folder })) {
    const file = await lstat(join(app.folder, name))
    if (file.isFile()) bytes += file.size
  }
  return bytes / 1_000_000
}

test('it is light, and brings no second copy of Prisma', async () => {
  const typescript = await megabytes('node_modules/{typescript,@typescript}/**')
  expect((await megabytes('node_modules/**')) - typescript).toBeLessThan(MAX_MEGABYTES)
  expect(await megabytes('node_modules/{prisma,@prisma/client,@prisma/engines}/**')).toBe(0)
})

test('a server migrates and reads its database with that alone', async () => {
  await using database = await createTestDatabase({ ...inject('postgres'), template: 'template1' })
  const variables = {
    DATABASE_URL: database.url,
    OPENAI_API_KEY: '',
    ANTHROPIC_API_KEY: '',
    LOG_LEVEL: 'silent',
  }
  expect(await app.run('npx', ['agent-runtime', 'migrate'], variables)).toContain('Applied')
  expect(await app.run('node', ['main.ts'], variables)).toBe("run.started\nrun.succeeded\n[ 'hello' ]\n")
})
