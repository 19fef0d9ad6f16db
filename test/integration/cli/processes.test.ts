import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { createTestDatabase } from '../../support/database.ts'
import { createWorkspace, entry, isAlive, runCli } from '../../support/cli.ts'

const childrenOf = (pid: number): number[] => {
  const listed = execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
  return listed.trim().split(/\s+/).map(Number)
}

async function startWorkers(url: string, cwd: string) {
  const worker = runCli(['worker', entry('endless'), '--processes', '2'], { cwd, env: { DATABASE_URL: url } })
  await worker.printed(/(Working on[^]*){2}/)
  return worker
}

test('a worker process that dies is started again', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  await using worker = await startWorkers(database.url, folder.path)
  const [first = 0] = childrenOf(worker.pid)
  process.kill(first, 'SIGKILL')
  await worker.printed(/ended with SIGKILL; starting it again in 0\.2 s/)
  await worker.printed(/(Working on[^]*){3}/)
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

test('they end when what started them is killed', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  await using worker = await startWorkers(database.url, folder.path)
  const children = childrenOf(worker.pid)
  worker.kill('SIGKILL')
  await expect.poll(() => Promise.all(children.map(isAlive)), { timeout: 10_000 }).toEqual([false, false])
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
