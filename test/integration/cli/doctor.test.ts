import { expect } from 'vitest'
import { defineAgent } from '../../../server/index.ts'
import { createWorkspace, runCli } from '../../support/cli.ts'
import { test } from '../../support/runtime.ts'

async function doctor(
  databaseUrl: string | undefined,
  ...args: string[]
): Promise<{ code: number | null; said: string }> {
  await using folder = await createWorkspace()
  const env = databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }
  await using command = runCli(['doctor', ...args], { cwd: folder.path, env })
  const code = await command.exited
  return { code, said: command.stdout() + command.stderr() }
}

test('says that all is well, with a word on each check', async ({ database }) => {
  const { code, said } = await doctor(database.url)
  expect(said).toMatch(
    /^✓ The database answers\.\n✓ All migrations are applied\.\n✓ Notifications arrive\.\n/,
  )
  expect(said).toContain(
    '· No worker is there.\n    Nobody executes runs.\n    → Start some: agent-runtime worker\n',
  )
  expect(said).toMatch(/\n\nAll is well\.\n$/)
  expect(code).toBe(0)
})

test('says what is not, exits with 1, and with --fix puts right what it can', async ({
  createServer,
  database,
}) => {
  const agent = defineAgent({ key: 'a', run: async () => {} })
  const { rest, runtime } = await createServer({ agents: [agent] })
  const id = await rest.create('a', { run_at: '2999-01-01T00:00:00Z' })
  await database.sql(`DELETE FROM agent_runtime_queue.job WHERE data ->> 'runId' = $1`, [id])

  const found = await doctor(database.url)
  expect(found.code).toBe(1)
  expect(found.said).toMatch(
    /✗ 1 run would wait for ever: the queue has no delivery for it\.\n {4}.*\n {4}→ .*--fix\n/,
  )
  expect(found.said).toContain(`    - ${id} of a, since 2999-01-01T00:00:00.000Z\n`)
  expect(found.said).toMatch(/\n\nThere is 1 thing to do\.\n$/)

  const fixed = await doctor(database.url, '--fix', '--json')
  expect(fixed.code).toBe(0)
  expect(JSON.parse(fixed.said)).toMatchObject({
    ok: true,
    fixed: 1,
    findings: expect.arrayContaining([{ check: 'runs-undelivered', level: 'ok', found: expect.any(String) }]),
    examination: { state: 'examined', workers: { present: 1 }, runs: { open: { queued: 1, running: 0 } } },
  })
  await runtime.stop()
})

test('a database that does not answer, in a sentence', async () => {
  const { code, said } = await doctor('postgresql://user:secret@127.0.0.1:1/app')
  expect(said).toBe(
    '✗ No PostgreSQL answers at 127.0.0.1:1/app. Start it, or correct DATABASE_URL.\n\nThere is 1 thing to do.\n',
  )
  expect(code).toBe(1)
})

test('without DATABASE_URL, and with --help', async () => {
  const [without, help] = await Promise.all([doctor(undefined), doctor(undefined, '--help')])
  expect(without.said).toMatch(/^agent-runtime: DATABASE_URL is not set/)
  expect(without.code).toBe(1)
  expect(help.said).toMatch(/--fix +also deliver runs again[^]*--json[^]*exits with 0 when all is well/)
  expect(help.code).toBe(0)
})
