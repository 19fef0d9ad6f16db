// An app that uses the server, without any model SDK or Redis client. Bundlers can build it, and the result
// starts without installed packages. Code that needs a missing package is told what to install.
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestDatabase } from '../support/database.ts'
import { createPackedApp } from '../support/packed-app.ts'
import type { PackedApp } from '../support/packed-app.ts'

const OPENAI = { MODEL_PROVIDER: 'openai', OPENAI_API_KEY: 'sk-test' }
const WITHOUT_KEYS = { OPENAI_API_KEY: '', ANTHROPIC_API_KEY: '', LOG_LEVEL: 'silent' }
const SENTENCE = 'This model client needs the package "openai": npm install openai'

// CommonJS packages need `require`, which rolldown provides by itself.
const REQUIRE = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);'
const BUNDLERS = {
  esbuild: [
    '--bundle',
    '--platform=node',
    '--format=esm',
    '--outdir=built',
    '--log-level=error',
    `--banner:js=${REQUIRE}`,
  ],
  rolldown: ['--platform', 'node', '--format', 'esm', '--dir', 'built', '--log-level', 'silent'],
}

let app: PackedApp

beforeAll(async () => {
  app = await createPackedApp('bundled', ['esbuild@0.28.2', 'rolldown@1.3.2'])
})
afterAll(() => app[Symbol.asyncDispose]())

describe.each(Object.entries(BUNDLERS))('built by %s', (bundler, options) => {
  let folder: string
  beforeAll(async () => {
    await app.run('npx', [bundler, 'main.ts', ...options])
    folder = await mkdtemp(join(tmpdir(), 'built-'))
    await cp(join(app.folder, 'built'), folder, { recursive: true })
    await cp(join(app.folder, 'package.json'), join(folder, 'package.json'))
    await rm(join(app.folder, 'built'), { recursive: true })
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const start = async (variables: Record<string, string>) => {
    await using database = await createTestDatabase()
    const given = { ...WITHOUT_KEYS, DATABASE_URL: database.url, ...variables }
    return await app.run('node', [join(folder, 'main.js')], given)
  }

  test('it executes a run', async () => {
    expect(await start({})).toBe("run.started\nrun.succeeded\n[ 'hello' ]\n")
  })

  test('asked for a provider, a worker says at its start what to install', async () => {
    expect(await start(OPENAI)).toBe(`StartupError: ${SENTENCE}\n`)
  })

  test('with a key that perhaps nobody uses, it says so and goes on', async () => {
    const output = await start({ ANTHROPIC_API_KEY: 'sk-ant-test', LOG_LEVEL: 'warn' })
    expect(output).toContain('npm install @anthropic-ai/sdk. Until then runs that use ctx.llm fail.')
    expect(output).toContain('run.succeeded')
  })
})

test('the command ends with what to install', async () => {
  await using database = await createTestDatabase()
  const variables = { ...WITHOUT_KEYS, ...OPENAI, DATABASE_URL: database.url }
  await expect(app.run('npx', ['agent-runtime', 'worker', 'app.ts'], variables)).rejects.toMatchObject({
    code: 1,
    stderr: `agent-runtime: ${SENTENCE}\n`,
  })
})

test("the server's entry loads no model client but the demo's", async () => {
  const code = `
    import { registerHooks } from 'node:module'
    registerHooks({ load: (url, context, next) => { console.log(url); return next(url, context) } })
    await import('trpc-agent-runtime/server')`
  const loaded = (await app.run('node', ['--input-type=module', '--eval', code])).split('\n')
  const models = loaded.flatMap((url) => /dist\/server\/models\/(\w+)\//.exec(url)?.[1] ?? [])
  expect(new Set(models)).toEqual(new Set(['demo']))
})
