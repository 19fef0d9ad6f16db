import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { freePort, isInstalled } from './local-server.ts'

/** Why tests over Redis are skipped, or false. */
export const withoutRedis: string | false = isInstalled('redis-server')
  ? false
  : 'redis-server is not installed (apt-get install redis-server)'

/** A test's own Redis on the loopback. It keeps nothing. */
export interface TestRedis extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Kills it, like a crash. */
  kill(): Promise<void>
  /** Starts it again at the same port, unless it runs. */
  start(others?: Record<string, string>): Promise<void>
  /** Stops it for a while. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  /** The answer of `redis-cli`. */
  cli(...command: string[]): string
}

export async function startTestRedis(settings: Record<string, string> = {}): Promise<TestRedis> {
  const port = await freePort()
  let server: ChildProcess | undefined
  const isRunning = () => server?.exitCode === null && server.signalCode === null
  const redis: TestRedis = {
    url: `redis://127.0.0.1:${port}`,
    port,
    async start(others = {}) {
      if (isRunning()) return
      const options = {
        port,
        bind: '127.0.0.1',
        save: '',
        appendonly: 'no',
        dir: tmpdir(),
        ...settings,
        ...others,
      }
      const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
      server = spawn('redis-server', flags, { stdio: ['ignore', 'pipe', 'inherit'] })
      for await (const line of createInterface(server.stdout!)) {
        if (line.includes('Ready to accept connections')) break
      }
      // If nobody read its log, it would fill the pipe.
      server.stdout?.resume()
    },
    async kill() {
      if (server === undefined || !isRunning()) return
      const exited = once(server, 'exit')
      server.kill('SIGKILL')
      await exited
    },
    signal: (signal) => void server?.kill(signal),
    cli: (...command) => execFileSync('redis-cli', ['-p', String(port), ...command], { encoding: 'utf8' }),
    [Symbol.asyncDispose]: () => redis.kill(),
  }
  await redis.start()
  return redis
}

/** Three nodes that share the keys, without replicas. */
export async function startRedisCluster(
  others: Record<string, string> = {},
): Promise<AsyncDisposable & { url: string; nodes: readonly TestRedis[] }> {
  const stack = new AsyncDisposableStack()
  const nodes: TestRedis[] = []
  for (let index = 0; index < 3; index += 1) {
    const dir = await mkdtemp(join(tmpdir(), 'redis-node-'))
    stack.defer(() => rm(dir, { recursive: true, force: true }))
    const settings = { 'cluster-enabled': 'yes', 'cluster-port': String(await freePort()), dir, ...others }
    nodes.push(stack.use(await startTestRedis(settings)))
  }
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
  execFileSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-replicas', '0', '--cluster-yes'])
  for (const node of nodes) {
    while (!node.cli('CLUSTER', 'INFO').includes('cluster_state:ok')) await setTimeout(50)
  }
  const [{ url }] = nodes as [TestRedis]
  return { url, nodes, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
