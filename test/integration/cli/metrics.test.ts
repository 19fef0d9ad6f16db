// Prometheus reads the metrics of the commands' processes.
import { expect, test, vi } from 'vitest'
import { createWorkspace, entry, runCli, serverModule } from '../../support/cli.ts'
import type { CliProcess } from '../../support/cli.ts'
import { createTestDatabase } from '../../support/database.ts'
import { childrenOf } from '../../support/processes.ts'
import { readPrometheusText } from '../../support/prometheus-text.ts'

vi.setConfig({ testTimeout: 120_000 })

const UNTIL = { timeout: 40_000, interval: 100 }
const prometheusModule = new URL('../../../server/telemetry/prometheus/index.ts', import.meta.url).href

const runtimeOf = (isolation = '', config = '{}') => `
  import { createAgentRuntime, defineAgent } from ${JSON.stringify(serverModule)}
  import { prometheus } from ${JSON.stringify(prometheusModule)}
  const often = defineAgent({
    key: 'often',
    schedules: [{ name: 'often', cron: '* * * * * *' }],
    ${isolation}
    run: (ctx) => ctx.emitMessage('done'),
  })
  export default createAgentRuntime({ agents: [often], metrics: prometheus(), config: ${config} })`

async function metricsUrl(command: CliProcess): Promise<string> {
  const [, url = ''] = await command.printed(/Metrics at (\S+)/)
  return url
}

async function read(url: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, { headers })
  if (response.status !== 200) return response.status
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  return readPrometheusText(await response.text())
}

async function valueOf(url: string, name: string): Promise<number> {
  const samples = await read(url)
  return typeof samples === 'number' ? 0 : (samples.get(name)?.[0]?.value ?? 0)
}

test('a worker tells what its processes measure as one, also while one of them stands still', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  await folder.write('runtime.ts', runtimeOf())
  const args = ['worker', '--processes', '2', '--metrics-port', '0']
  await using worker = runCli(args, { cwd: folder.path, env: { DATABASE_URL: database.url } })
  const url = await metricsUrl(worker)
  await expect.poll(() => valueOf(url, 'agent_runtime_runs_ended_total'), UNTIL).toBeGreaterThan(1)
  await expect
    .poll(async () => (await valueOf(url, 'process_resident_memory_bytes')) / 2 ** 20, UNTIL)
    .toBeGreaterThan(100)
  expect(await read(url.replace('/metrics', '/'))).toBe(404)

  const [first = 0] = childrenOf(worker.pid)
  process.kill(first, 'SIGSTOP')
  await expect
    .poll(() => valueOf(url, 'agent_runtime_attempt_duration_seconds_count'), UNTIL)
    .toBeGreaterThan(0)
  process.kill(first, 'SIGCONT')
})

// Four processes start one after another.
test(
  'a worker tells what isolated runs measured, after their processes too',
  { timeout: 150_000 },
  async () => {
    await using database = await createTestDatabase()
    await using folder = await createWorkspace()
    await folder.write('runtime.ts', runtimeOf(`isolation: 'process',`, '{ maxIsolatedProcesses: 1 }'))
    const args = ['worker', '--metrics-port', '0', '--no-reload']
    await using worker = runCli(args, { cwd: folder.path, env: { DATABASE_URL: database.url } })
    const url = await metricsUrl(worker)
    // One after another, each in a new process: both count only if the first one's count is kept.
    await expect
      .poll(() => valueOf(url, 'agent_runtime_runs_ended_total'), { ...UNTIL, timeout: 120_000 })
      .toBeGreaterThan(1)
    // Gauges only have the processes that exist.
    await expect.poll(() => valueOf(url, 'process_resident_memory_bytes'), UNTIL).toBeGreaterThan(0)
  },
)

test('a server asks for the token where there is one', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  await folder.write('runtime.ts', runtimeOf())
  const args = ['serve', '--insecure', '--port', '0', '--metrics-port', '0']
  const env = { DATABASE_URL: database.url, METRICS_TOKEN: 'a secret' }
  await using server = runCli(args, { cwd: folder.path, env })
  const url = await metricsUrl(server)
  await server.printed(/Listening/)
  expect(await read(url)).toBe(401)
  expect(await read(url, { authorization: 'Bearer another' })).toBe(401)
  const samples = await read(url, { authorization: 'Bearer a secret' })
  expect(typeof samples === 'number' || samples.has('agent_runtime_database_connections')).toBe(true)
})

test.each([
  ['serve', '--insecure'],
  ['worker', '--no-reload'],
])('%s without metrics says how to have some', async (command, option) => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  const args = [command, entry('working'), option, '--metrics-port', '0']
  await using process = runCli(args, { cwd: folder.path, env: { DATABASE_URL: database.url } })
  expect(await process.exited).toBe(1)
  expect(process.stderr()).toContain('The runtime has no metrics: give createAgentRuntime')
})
