// The processes of a scene: the command line's own `serve` and `worker`. They are started again whenever they
// end, like a process manager does in production.
import { fileURLToPath } from 'node:url'
import type { CliProcess } from '../../support/cli.ts'
import { runCli } from '../../support/cli.ts'
import { descendantsOf, signalIfThere } from '../../support/processes.ts'
import { LEASE_TTL_SECONDS } from './settings.ts'

const ENTRY = fileURLToPath(new URL('../system/runtime.ts', import.meta.url))

export interface Member {
  readonly name: string
  /** The current process. */
  readonly process: CliProcess
  /** Whether it works. It does not while it starts. */
  readonly isReady: boolean
  /** Resolves when it does. */
  ready(): Promise<void>
  /** Starts another process in place of one that does not end by itself. That one is killed at the end. */
  replace(): void
}

export interface ApiMember extends Member {
  readonly url: string
  /**
   * Aborts when the current process is replaced, like a load balancer ends connections to an unhealthy
   * process.
   */
  readonly gone: AbortSignal
}

export interface Fleet extends AsyncDisposable {
  readonly workers: readonly Member[]
  readonly servers: readonly ApiMember[]
  /** How often a process was started again. */
  readonly restarts: number
  /** The last lines that each current process wrote to standard error. */
  complaints(): string
}

export interface FleetOptions {
  databaseUrl: string
  traceUrl: string
  /** Further environment of all processes. */
  env: Record<string, string>
  servers: number
  workers: number
  /** Further environment of a worker. */
  workerEnv?: (index: number) => Record<string, string>
  /** Further options of a worker. */
  workerArgs?: (index: number) => string[]
}

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const common = {
    DATABASE_URL: options.databaseUrl,
    TRACE_URL: options.traceUrl,
    SUITE_PID: String(process.pid),
    LEASE_TTL_SECONDS: String(LEASE_TTL_SECONDS),
    RETRY_DELAY_SECONDS: '0.2',
    CANCEL_GRACE_SECONDS: '0.5',
    LOG_LEVEL: 'warn',
    NODE_ENV: 'test',
    ...options.env,
  }
  const keepers = await Promise.all([
    ...Array.from({ length: options.servers }, (_, index) =>
      keep({
        name: `api ${index + 1}`,
        args: ['serve', ENTRY, '--insecure'],
        ready: /Listening on (\S+)/,
        env: common,
      }),
    ),
    ...Array.from({ length: options.workers }, (_, index) => {
      const env = { ...common, ...options.workerEnv?.(index) }
      const args = ['worker', ENTRY, ...(options.workerArgs?.(index) ?? [])]
      return keep({ name: `worker ${index + 1}`, args, ready: /Working on runs of/, env })
    }),
  ])
  return {
    servers: keepers.slice(0, options.servers),
    workers: keepers.slice(options.servers),
    get restarts() {
      return keepers.reduce((sum, { restarts }) => sum + restarts, 0)
    },
    complaints: () => keepers.map(({ name, process }) => `${name}: ${endOf(process.stderr())}`).join('\n'),
    [Symbol.asyncDispose]: async () => void (await Promise.all(keepers.map((keeper) => keeper.end()))),
  }
}

const LINES_SHOWN = 3
const LINE_LENGTH = 300

function endOf(log: string): string {
  const lines = log.trimEnd().split('\n').slice(-LINES_SHOWN)
  return lines.map((line) => `\n  ${line.slice(0, LINE_LENGTH)}`).join('')
}

interface Kept {
  name: string
  args: string[]
  ready: RegExp
  env: Record<string, string>
}

interface Keeper extends ApiMember {
  readonly restarts: number
  end(): Promise<void>
}

async function keep({ name, args, ready, env }: Kept): Promise<Keeper> {
  const ending = new AbortController()
  let restarts = 0
  let url = ''
  let current: CliProcess
  let isReady: boolean
  let becomesReady = Promise.withResolvers<void>()
  let gone = new AbortController()
  const replaced: CliProcess[] = []
  const orphans: number[] = []

  function start(): CliProcess {
    // Clients that know its address find it there again.
    const port = args[0] === 'serve' ? ['--port', url === '' ? '0' : new URL(url).port] : []
    isReady = false
    gone = new AbortController()
    current = runCli([...args, ...port], { cwd: process.cwd(), env })
    const started = current
    void started.printed(ready).then(
      ([, printed]) => {
        if (started !== current) return
        url = printed ?? url
        isReady = true
        becomesReady.resolve()
      },
      // It was killed while it started, so the next one counts. The first must start by itself.
      (error: Error) => restarts === 0 && becomesReady.reject(error),
    )
    return started
  }

  async function supervise(): Promise<void> {
    for (let running = start(); ; restarts += 1, running = start()) {
      await Promise.race([running.exited, untilAborted(gone.signal)])
      if (ending.signal.aborted) return
      if (isReady) becomesReady = Promise.withResolvers()
    }
  }

  const supervised = supervise()
  await becomesReady.promise
  return {
    name,
    get process() {
      return current
    },
    get url() {
      return url || 'http://127.0.0.1:1'
    },
    get restarts() {
      return restarts
    },
    get isReady() {
      return isReady
    },
    ready: () => becomesReady.promise,
    get gone() {
      return gone.signal
    },
    replace() {
      replaced.push(current)
      // A stopped process keeps its children and its address.
      orphans.push(...descendantsOf(current.pid))
      url = ''
      if (isReady) becomesReady = Promise.withResolvers()
      isReady = false
      // Fails like a network: a client would take an abort for its own.
      gone.abort(new TypeError('The server is gone.'))
    },
    async end() {
      ending.abort()
      for (const { killAll } of [...replaced, current]) killAll('SIGKILL')
      for (const pid of orphans) signalIfThere(pid, 'SIGKILL')
      await Promise.all([supervised, ...replaced.map(({ exited }) => exited)])
    },
  }
}

function untilAborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => signal.addEventListener('abort', resolve))
}
