// Health checks of workers by process managers.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test, vi } from 'vitest'
import { createWorkspace, entry, runCli, serverModule } from '../../support/cli.ts'
import type { CliProcess } from '../../support/cli.ts'
import { startCuttingProxy } from '../../support/cutting-proxy.ts'
import { createTestDatabase } from '../../support/database.ts'
import { childrenOf } from '../../support/processes.ts'

vi.setConfig({ testTimeout: 120_000 })

const UNTIL = { timeout: 40_000, interval: 100 }

async function healthUrl(worker: CliProcess): Promise<string> {
  const [, url = ''] = await worker.printed(/Health at (\S+)\/readyz/)
  return url
}

async function ask(url: string, path = '/readyz'): Promise<unknown> {
  const response = await fetch(url + path)
  return { code: response.status, ...((await response.json()) as object) }
}

/** The health of a process that reaches everything it needs. */
const WELL = {
  database: 'ok',
  bus: 'listening',
  queue: 'ok',
  event_loop_lag_ms: expect.any(Number) as number,
}
const READY = { code: 200, status: 'ready' }
const NOT_READY = { code: 503, status: 'not_ready' }

test('a worker is ready while a process of it takes runs', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  const args = ['worker', entry('working'), '--processes', '2', '--health-port', '0']
  await using worker = runCli(args, { cwd: folder.path, env: { DATABASE_URL: database.url } })
  const url = await healthUrl(worker)
  expect(await ask(url, '/healthz')).toEqual({ code: 200, status: 'ok' })
  await expect
    .poll(() => ask(url), UNTIL)
    .toEqual({ ...READY, processes: 2, taking: 2, workers: [WELL, WELL] })
  expect(await ask(url, '/api/agents/runs')).toMatchObject({ code: 404 })

  const [first = 0] = childrenOf(worker.pid)
  process.kill(first, 'SIGSTOP')
  await expect.poll(() => ask(url), UNTIL).toEqual({ ...READY, processes: 2, taking: 1, workers: [WELL] })
  process.kill(first, 'SIGCONT')
  await expect
    .poll(() => ask(url), UNTIL)
    .toEqual({ ...READY, processes: 2, taking: 2, workers: [WELL, WELL] })
})

test('a worker that does not reach the database is not ready, and is again when it does', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  const { port } = new URL(database.url)
  await using proxy = await startCuttingProxy(Number(port))
  const through = new URL(database.url)
  through.port = new URL(proxy.url).port
  const args = ['worker', entry('working'), '--health-port', '0']
  await using worker = runCli(args, { cwd: folder.path, env: { DATABASE_URL: through.href } })
  const url = await healthUrl(worker)
  await expect.poll(() => ask(url), UNTIL).toEqual({ ...READY, processes: 1, taking: 1, workers: [WELL] })

  proxy.refuse(true)
  proxy.cut()
  await expect.poll(() => ask(url), UNTIL).toEqual({ ...NOT_READY, processes: 1, taking: 0, workers: [] })
  expect(await ask(url, '/healthz')).toMatchObject({ code: 200 })
  proxy.refuse(false)
  await expect.poll(() => ask(url), UNTIL).toEqual({ ...READY, processes: 1, taking: 1, workers: [WELL] })
})

test('a worker that drains is not ready, and says so until its end', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  await folder.write(
    'runtime.ts',
    `import { createAgentRuntime, defineAgent } from ${JSON.stringify(serverModule)}
     const held = defineAgent({
       key: 'held',
       schedules: [{ name: 'often', cron: '* * * * * *' }],
       async run(ctx) {
         process.stdout.write('begun')
         await new Promise(() => {})
       },
     })
     export default createAgentRuntime({ agents: [held] })`,
  )
  const args = ['worker', '--health-port', '0', '--drain-timeout', '60']
  await using worker = runCli(args, { cwd: folder.path, env: { DATABASE_URL: database.url } })
  const url = await healthUrl(worker)
  await worker.printed(/begun/)
  await expect.poll(() => ask(url), UNTIL).toMatchObject(READY)
  worker.kill('SIGTERM')
  await expect.poll(() => ask(url), UNTIL).toMatchObject({ ...NOT_READY, processes: 1, taking: 0 })
})

test('a taken port is told with its option', async () => {
  await using folder = await createWorkspace()
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '0.0.0.0', resolve))
  const { port } = other.address() as AddressInfo
  const args = ['worker', entry('working'), '--health-port', String(port)]
  await using worker = runCli(args, {
    cwd: folder.path,
    env: { DATABASE_URL: 'postgres://127.0.0.1:1/none' },
  })
  expect(await worker.exited).toBe(1)
  expect(worker.stderr()).toBe(
    `agent-runtime: Port ${port} on 0.0.0.0 is already in use: stop what uses it, or choose another with --health-port or HEALTH_PORT.\n`,
  )
  other.close()
})
