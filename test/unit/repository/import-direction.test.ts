// Tests the import rules: each line here breaks one, and the linter must report it.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))
let folder: string

const FORBIDDEN = [
  ['server/contract/canary.ts', '../ports/store.ts'],
  ['server/models/canary.ts', '../domain/runs.ts'],
  ['server/agent/canary.ts', '../worker/worker.ts'],
  ['server/events/canary.ts', '../domain/runs.ts'],
  ['server/domain/canary.ts', '../postgres/bus.ts'],
  ['server/worker/canary.ts', '../postgres/bus.ts'],
  ['server/worker/canary.ts', '../api/router.ts'],
  ['server/api/canary.ts', '../postgres/bus.ts'],
  ['server/api/rest/canary.ts', '../../worker/worker.ts'],
  ['server/postgres/canary.ts', '../domain/runs.ts'],
  ['server/postgres/canary.ts', '../redis/bus/bus.ts'],
  ['server/postgres/canary.ts', '../new-house/file.ts'],
  ['server/redis/canary.ts', '@prisma/client'],
  ['server/domain/canary.ts', 'pg'],
  ['server/domain/canary.ts', 'pg-boss/dist/plans.js'],
  ['server/runtime/create-runtime.ts', 'pg-boss'],
  ['client/canary.ts', '../server/domain/runs.ts'],
  ['client/canary.ts', '../server/api/router.ts'],
  ['client/canary.ts', '../react/index.ts'],
  ['react/canary.ts', '../server/ports/store.ts'],
  ['examples/chat/src/canary.ts', '../../assistant/runtime.ts'],
] as const

const ALLOWED = [
  ['server/domain/canary.ts', '../events/hub.ts'],
  ['server/api/canary.ts', '@trpc/server/adapters/fetch'],
  ['server/postgres/prisma/canary.ts', '@prisma/client'],
  ['server/postgres/queue/canary.ts', 'pg-boss'],
  ['server/runtime/canary.ts', '../redis/bus/bus.ts'],
  ['client/canary.ts', '../server/contract/event.ts'],
  ['test/integration/canary.ts', '../../server/postgres/bus.ts'],
] as const

const RULE = 'houses(direction)'

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-direction-'))
  for (const file of ['.oxlintrc.json', 'CONTRIBUTING.md', 'scripts/lint-houses.ts']) {
    await cp(join(root, file), join(folder, file))
  }
})
afterAll(() => rm(folder, { recursive: true }))

async function lint(file: string, code: string): Promise<string> {
  await mkdir(dirname(join(folder, file)), { recursive: true })
  await writeFile(join(folder, file), code)
  return new Promise((resolve) => {
    const linter = join(root, 'node_modules/.bin/oxlint')
    execFile(linter, ['-f', 'unix', file], { cwd: folder }, (_error, stdout) => resolve(stdout))
  })
}

test.each(FORBIDDEN)('%s may not import %s', async (file, specifier) => {
  expect(await lint(file, `import { x } from '${specifier}'\n\nexport const y = x\n`)).toContain(RULE)
})

test.each(ALLOWED)('%s may import %s', async (file, specifier) => {
  expect(await lint(file, `import { x } from '${specifier}'\n\nexport const y = x\n`)).not.toContain(RULE)
})

test('a client may import types from the API', async () => {
  const code = `import type { X } from '../server/api/router.ts'\n\nexport type Y = X\n`
  expect(await lint('client/canary.ts', code)).not.toContain(RULE)
})
