import { expect, inject, test, vi } from 'vitest'
import { createWorkspace, entry, runCli } from '../../support/cli.ts'
import type { CliProcess } from '../../support/cli.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createRun, follow, getRun } from '../../support/rest.ts'

// Each starts several processes, one after the other.
vi.setConfig({ testTimeout: 180_000 })

async function listening(server: CliProcess): Promise<string> {
  const [, url = ''] = await server.printed(/Listening on (\S+)/)
  return url
}

test('API and worker are processes of their own over one database', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  const options = { cwd: folder.path, env: { DATABASE_URL: database.url, LOG_LEVEL: 'warn' } }
  await using server = runCli(['serve', entry('working'), '--port', '0', '--insecure'], options)
  const url = await listening(server)
  const runId = await createRun(url, 'echo')
  expect(await getRun(url, runId)).toMatchObject({ status: 'queued' })

  await using worker = runCli(['worker', entry('working')], options)
  await follow(url, runId, /You said: Hello!/)

  for (const command of [worker, server]) {
    command.kill('SIGTERM')
    expect(await command.exited).toBe(0)
    expect(command.stderr()).toBe('')
  }
})

test('a worker takes runs of the agents it was given only', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  const options = { cwd: folder.path, env: { DATABASE_URL: database.url } }
  await using server = runCli(['serve', entry('working'), '--port', '0', '--insecure'], options)
  const url = await listening(server)
  const notTaken = await createRun(url, 'endless')
  const taken = await createRun(url, 'echo')

  await using worker = runCli(['worker', entry('working'), '--agent-keys', 'echo,steady'], options)
  await worker.printed(/Working on runs of echo, steady/)
  await follow(url, taken, /You said/)
  expect(await getRun(url, notTaken)).toMatchObject({ status: 'queued', started_at: null })
})

test('SIGTERM lets a worker finish what it has', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  const options = { cwd: folder.path, env: { DATABASE_URL: database.url } }
  await using server = runCli(['serve', entry('working'), '--port', '0', '--insecure'], options)
  const url = await listening(server)
  await using worker = runCli(['worker', entry('working')], options)
  const runId = await createRun(url, 'steady')
  await follow(url, runId, /working/)

  worker.kill('SIGTERM')
  expect(await worker.exited).toBe(0)
  expect(await getRun(url, runId)).toMatchObject({ status: 'succeeded', attempt: 1 })
})

test('an open stream does not keep the API from ending', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  const options = { cwd: folder.path, env: { DATABASE_URL: database.url } }
  await using server = runCli(['serve', entry('working'), '--port', '0', '--insecure'], options)
  const url = await listening(server)
  const runId = await createRun(url, 'echo')
  const stream = await fetch(`${url}/api/agents/runs/${runId}/events/stream`)
  expect(stream.status).toBe(200)
  const startedAt = performance.now()
  server.kill('SIGTERM')
  expect(await server.exited).toBe(0)
  // Half of the time that runs under way would have, which streams do not.
  expect(performance.now() - startedAt).toBeLessThan(15_000)
  await stream.body?.cancel().catch(() => {})
})

test('migrate brings a database up to date, and says so the next time', async () => {
  await using database = await createTestDatabase({ ...inject('postgres'), template: 'template0' })
  await using folder = await createWorkspace()
  const options = { cwd: folder.path, env: { DATABASE_URL: database.url } }
  await using first = runCli(['migrate'], options)
  expect(await first.exited).toBe(0)
  expect(first.stdout()).toMatch(/^Applied \d{14}_initial\n/)
  await using second = runCli(['migrate'], options)
  expect(await second.exited).toBe(0)
  expect(second.stdout()).toBe('The database is up to date.\n')
})

test.each([[['dev']], [['serve']], [['worker']], [['migrate']]])(
  '%j --help explains itself',
  async (command) => {
    await using folder = await createWorkspace()
    await using help = runCli([...command, '--help'], { cwd: folder.path })
    expect(await help.exited).toBe(0)
    for (const part of ['Usage: agent-runtime', 'Examples:', 'Environment:', 'DATABASE_URL']) {
      expect(help.stdout()).toContain(part)
    }
  },
)

test('--help lists the commands', async () => {
  await using folder = await createWorkspace()
  await using help = runCli(['--help'], { cwd: folder.path })
  expect(await help.exited).toBe(0)
  for (const command of ['dev', 'serve', 'worker', 'migrate']) {
    expect(help.stdout()).toMatch(new RegExp(`^  ${command} `, 'm'))
  }
})

test('an unused connection is kept for longer than proxies do, or for as long as is said', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  const env = { DATABASE_URL: database.url }
  for (const [more, seconds] of [
    [{}, 65],
    [{ KEEP_ALIVE_TIMEOUT_SECONDS: '7' }, 7],
  ] as const) {
    const options = { cwd: folder.path, env: { ...env, ...more } }
    await using server = runCli(['serve', entry('working'), '--port', '0', '--insecure'], options)
    const { headers } = await fetch(`${await listening(server)}/healthz`)
    expect(headers.get('keep-alive')).toBe(`timeout=${seconds}`)
  }
})
