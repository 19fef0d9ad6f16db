// The two ends of a server process: who starts it, and what it does to be started.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

/** Bytes, after a garbage collection. */
export interface Memory {
  rss: number
  /** On the heap of JavaScript, and what that holds outside of it. */
  heap: number
}

export interface ServerChild {
  pid: number
  /** 0 when it serves nothing. */
  port: number
  readMemory(): Promise<Memory>
  /** Ends the runs that stream in it. @returns how many events they have emitted. */
  endStreams(): Promise<number>
  /** Has it measure something by itself, where it can. */
  measure(load: object): Promise<Record<string, number>>
  stop(): Promise<void>
}

interface ServerChildOptions {
  /** For messages, and for the file of its profile. */
  name: string
  databaseUrl: string
  /** Folder that takes a CPU profile when the process ends. */
  profileDir: string | undefined
  env?: Record<string, string>
}

type Question = 'memory' | 'end-streams' | { measure: object }

const STOP_TIMEOUT_MS = 10_000

/** Starts a process and resolves when it reports to be ready. @throws when it ends before that. */
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

  // One question at a time: an answer does not say what it answers.
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
  // A Ctrl-C reaches every process of the terminal; the parent decides in which order they end.
  process.on('SIGINT', () => {})
  process.once('disconnect', () => void stop())
  process.on('message', (question: Question) => {
    if (typeof question === 'object') {
      // An error ends the process, which whoever asked hears of.
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
