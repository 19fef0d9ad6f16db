// The canary of the import rules: each line here breaks one, and a linter that stays silent fails.
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
  ['server/llm/canary.ts', '../domain/runs.ts'],
  ['server/agent/canary.ts', '../worker/worker.ts'],
  ['server/events/canary.ts', '../domain/runs.ts'],
  ['server/domain/canary.ts', '../adapters/pg-bus.ts'],
  ['server/worker/canary.ts', '../adapters/pg-bus.ts'],
  ['server/worker/canary.ts', '../api/router.ts'],
  ['server/api/canary.ts', '../adapters/pg-bus.ts'],
  ['server/api/rest/canary.ts', '../../worker/worker.ts'],
  ['server/adapters/canary.ts', '../domain/runs.ts'],
  ['server/adapters/canary.ts', '@prisma/client'],
  ['server/adapters/boss-queue/canary.ts', '../prisma-store/generated/client.ts'],
  ['server/adapters/prisma-store/canary.ts', 'pg-boss'],
  ['server/domain/canary.ts', 'pg'],
  ['server/create-runtime.ts', 'pg-boss'],
  ['client/canary.ts', '../server/domain/runs.ts'],
  ['client/canary.ts', '../react/index.ts'],
  ['react/canary.ts', '../server/ports/store.ts'],
  ['examples/chat/src/canary.ts', '../../assistant/runtime.ts'],
] as const

const ALLOWED = [
  ['server/domain/canary.ts', '../events/tail.ts'],
  ['server/api/canary.ts', '@trpc/server/adapters/fetch'],
  ['server/adapters/prisma-store/canary.ts', '@prisma/client'],
  ['server/adapters/boss-queue/canary.ts', 'pg-boss'],
  ['client/canary.ts', '../server/contract/event.ts'],
] as const

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-direction-'))
  await cp(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
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
  expect(await lint(file, `import { x } from '${specifier}'\n\nexport const y = x\n`)).toContain(
    'no-restricted-imports',
  )
})

test.each(ALLOWED)('%s may import %s', async (file, specifier) => {
  expect(await lint(file, `import { x } from '${specifier}'\n\nexport const y = x\n`)).not.toContain(
    'no-restricted-imports',
  )
})

test('a client may import types from anywhere in the server', async () => {
  const code = `import type { X } from '../server/domain/runs.ts'\n\nexport type Y = X\n`
  expect(await lint('client/canary.ts', code)).not.toContain('no-restricted-imports')
})
