// The two ends of a server process: who starts it, and what it does to be started.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ServerChild {
  pid: number
  /** 0 when it serves nothing. */
  port: number
  stop(): Promise<void>
}

interface ServerChildOptions {
  databaseUrl: string
  /** Folder that takes a CPU profile when the process ends. */
  profileDir: string | undefined
}

const STOP_TIMEOUT_MS = 10_000

/** Starts a process and resolves when it reports to be ready. @throws when it ends before that. */
export async function startServerChild(file: URL, options: ServerChildOptions): Promise<ServerChild> {
  const name = file.pathname.split('/').slice(-2).join('-').replace('.ts', '')
  const profiling =
    options.profileDir === undefined
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${options.profileDir}`, `--cpu-prof-name=${name}.cpuprofile`]
  const child = fork(file, {
    execArgv: profiling,
    env: { LOG_LEVEL: 'warn', ...process.env, DATABASE_URL: options.databaseUrl, NODE_ENV: 'production' },
  })
  const exited = once(child, 'exit')

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

  const ready = once(child, 'message') as Promise<[{ port: number }]>
  const [first] = await Promise.race([ready, exited.then(() => [undefined] as const)])
  if (first === undefined || child.pid === undefined) {
    throw new Error(`${name} ended while starting; what it wrote is above.`)
  }
  return { pid: child.pid, port: first.port, stop }
}

/** Called by the started process: reports that it is ready, and calls `stop` when its parent is gone. */
export function reportReady({ port = 0, stop }: { port?: number; stop: () => Promise<void> }): void {
  // A Ctrl-C reaches every process of the terminal; the parent decides in which order they end.
  process.on('SIGINT', () => {})
  process.once('disconnect', () => void stop())
  process.send?.({ port })
}
