import { expect, test, vi } from 'vitest'
import { createTestDatabase } from '../../support/database.ts'
import { createWorkspace, entry, isAlive, runCli } from '../../support/cli.ts'
import { childrenOf, signalIfThere } from '../../support/processes.ts'
import { createRun, follow, getRun } from '../../support/rest.ts'

// Each test starts several processes, one after the other.
vi.setConfig({ testTimeout: 120_000 })

async function startWorkers(url: string, cwd: string) {
  const worker = runCli(['worker', entry('endless'), '--processes', '2'], { cwd, env: { DATABASE_URL: url } })
  await worker.printed(/(Working on[^]*){2}/)
  return worker
}

test('a worker process that dies is started again, later each time', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  await using worker = await startWorkers(database.url, folder.path)
  const before = childrenOf(worker.pid)
  const [first = 0] = before
  process.kill(first, 'SIGKILL')
  await worker.printed(/ended with SIGKILL; starting it again in 0\.2 s/)
  await worker.printed(/(Working on[^]*){3}/)
  const second = childrenOf(worker.pid).find((pid) => !before.includes(pid)) ?? 0
  process.kill(second, 'SIGKILL')
  await worker.printed(/ended with SIGKILL; starting it again in 0\.4 s/)
  await worker.printed(/(Working on[^]*){4}/)
  expect(childrenOf(worker.pid)).toHaveLength(2)
  worker.kill('SIGTERM')
  expect(await worker.exited).toBe(0)
})

test('SIGTERM ends all of them', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  await using worker = await startWorkers(database.url, folder.path)
  const children = childrenOf(worker.pid)
  worker.kill('SIGTERM')
  expect(await worker.exited).toBe(0)
  expect(await Promise.all(children.map(isAlive))).toEqual([false, false])
})

test('they hand back what does not end in time, and no attempt is spent', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  const options = { cwd: folder.path, env: { DATABASE_URL: database.url, MAX_ATTEMPTS: '1' } }
  await using server = runCli(['serve', entry('working'), '--port', '0', '--insecure'], options)
  const [, url = ''] = await server.printed(/Listening on (\S+)/)
  const args = ['worker', entry('working'), '--processes', '2', '--drain-timeout', '0']
  const runId = await createRun(url, 'endless')
  // The first would use up the only attempt.
  for (const attempt of [1, 2]) {
    await using worker = runCli(args, options)
    await follow(url, runId, new RegExp(`working.*"attempt":${attempt}`))
    worker.kill('SIGTERM')
    expect(await worker.exited).toBe(0)
    expect(await getRun(url, runId)).toMatchObject({ status: 'queued', attempt })
  }
})

test('a second SIGTERM ends them at once', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  const options = { cwd: folder.path, env: { DATABASE_URL: database.url } }
  await using server = runCli(['serve', entry('working'), '--port', '0', '--insecure'], options)
  const [, url = ''] = await server.printed(/Listening on (\S+)/)
  const args = ['worker', entry('working'), '--processes', '2', '--drain-timeout', '600']
  await using worker = runCli(args, options)
  await follow(url, await createRun(url, 'endless'), /working/)
  const children = childrenOf(worker.pid)
  worker.kill('SIGTERM')
  await worker.printed(/Stopping/)
  // Waits until it counts: one right after the first is taken for the same signal.
  const again = setInterval(() => worker.kill('SIGTERM'), 50)
  expect(await worker.exited).toBe(143)
  clearInterval(again)
  expect(await Promise.all(children.map(isAlive))).toEqual([false, false])
})

test('they end when what started them is killed', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  await using worker = await startWorkers(database.url, folder.path)
  const children = childrenOf(worker.pid)
  worker.kill('SIGKILL')
  await expect.poll(() => Promise.all(children.map(isAlive))).toEqual([false, false])
})

test('they end when what started them is killed while they start', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  const options = { cwd: folder.path, env: { DATABASE_URL: database.url } }
  await using worker = runCli(['worker', entry('endless'), '--processes', '2'], options)
  await expect.poll(() => childrenOf(worker.pid, 'node'), { interval: 10 }).toHaveLength(2)
  const children = childrenOf(worker.pid, 'node')
  worker.kill('SIGKILL')
  try {
    // They notice once their modules are loaded.
    await expect.poll(() => Promise.all(children.map(isAlive)), { timeout: 90_000 }).toEqual([false, false])
  } finally {
    for (const child of children) signalIfThere(child, 'SIGKILL')
  }
})

test('when they can’t start, the command says why and ends', async () => {
  await using folder = await createWorkspace()
  const args = ['worker', entry('endless'), '--processes', '2']
  await using worker = runCli(args, {
    cwd: folder.path,
    env: { DATABASE_URL: 'postgres://127.0.0.1:1/none' },
  })
  expect(await worker.exited).toBe(1)
  expect(worker.stderr()).toContain('No PostgreSQL answers at 127.0.0.1:1/none')
})
