// Both ends of a server process: the one that starts it, and the one that reports that it is ready.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

/** In bytes, after a garbage collection. */
export interface Memory {
  rss: number
  /** On JavaScript's heap, and outside of it what the heap refers to. */
  heap: number
}

export interface ServerChild {
  pid: number
  /** 0 if it serves nothing. */
  port: number
  readMemory(): Promise<Memory>
  /** Ends the runs that stream in it. @returns how many events they have emitted. */
  endStreams(): Promise<number>
  /** Tells it to measure something itself, if it can. */
  measure(load: object): Promise<Record<string, number>>
  stop(): Promise<void>
}

interface ServerChildOptions {
  /** Its name in messages, and in the file of its profile. */
  name: string
  databaseUrl: string
  /** Folder for a CPU profile, which is written when the process ends. */
  profileDir: string | undefined
  env?: Record<string, string>
}

type Question = 'memory' | 'end-streams' | { measure: object }

const STOP_TIMEOUT_MS = 10_000

/**
 * Starts a process. Resolves when it reports that it is ready.
 *
 * @throws when it ends before that
 */
export async function startServerChild(file: URL, options: ServerChildOptions): Promise<ServerChild> {
  const { name } = options
  const profiling =
    options.profileDir === undefined
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${options.profileDir}`, `--cpu-prof-name=${name}.cpuprofile`]
  const child = fork(file, {
    execArgv: ['--expose-gc', ...profiling],
    env: {
      LOG_LEVEL: 'warn',
      ...process.env,
      ...options.env,
      DATABASE_URL: options.databaseUrl,
      NODE_ENV: 'production',
    },
  })
  const exited = once(child, 'exit')

  async function nextMessage(): Promise<unknown> {
    const message = once(child, 'message') as Promise<[unknown]>
    const [first] = await Promise.race([message, exited.then(() => [undefined] as const)])
    if (first === undefined) throw new Error(`${name} ended; what it wrote is above.`)
    return first
  }

  // Only one question at a time, since an answer does not name its question.
  let asked: Promise<unknown> = nextMessage()

  function ask(question: Question): Promise<unknown> {
    asked = asked.then(() => {
      const answer = nextMessage()
      child.send(question)
      return answer
    })
    return asked
  }

  async function stop(): Promise<void> {
    if (child.connected) child.disconnect()
    const outOfTime = new AbortController()
    const giveUp = sleep(STOP_TIMEOUT_MS, undefined, { signal: outOfTime.signal }).then(
      () => {
        process.stderr.write(`${name} did not stop and was killed.\n`)
        return child.kill('SIGKILL')
      },
      () => undefined,
    )
    await exited
    outOfTime.abort()
    await giveUp
  }

  const { port } = (await asked) as { port: number }
  if (child.pid === undefined) throw new Error(`${name} has no process.`)
  return {
    pid: child.pid,
    port,
    readMemory: async () => (await ask('memory')) as Memory,
    endStreams: async () => (await ask('end-streams')) as number,
    measure: async (load) => (await ask({ measure: load })) as Record<string, number>,
    stop,
  }
}

interface ReadyOptions {
  port?: number
  endStreams?: () => number
  measure?: (load: object) => Promise<Record<string, number>>
  stop: () => Promise<void>
}

/** Called by the started process: reports that it is ready, and calls `stop` when its parent is gone. */
export function reportReady({ port = 0, endStreams, measure, stop }: ReadyOptions): void {
  // The terminal sends a Ctrl-C to every process. The parent decides in which order they end.
  process.on('SIGINT', () => {})
  process.once('disconnect', () => void stop())
  process.on('message', (question: Question) => {
    if (typeof question === 'object') {
      // An error ends the process. The asking process notices that.
      void Promise.resolve(measure?.(question.measure) ?? {}).then((figures) => process.send?.(figures))
    } else process.send?.(question === 'memory' ? readMemory() : (endStreams?.() ?? 0))
  })
  process.send?.({ port })
}

function readMemory(): Memory {
  globalThis.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rss, heap: heapUsed + external }
}
