// How a command that goes on until it is stopped begins and ends.
import { setTimeout as sleep } from 'node:timers/promises'
import { reportError } from './cli-error.ts'

export interface Lifecycle {
  /** Aborts when the command is to end, for whatever reason. */
  readonly signal: AbortSignal
  /** Whether it ends for an error, and is not to wait for work under way. */
  readonly hasFailed: boolean
  /** To be done at the end; what was deferred last is done first. */
  defer(cleanup: () => Promise<unknown>): void
  /** To be done instead of all that when a second signal says not to wait. */
  deferUrgent(cleanup: () => Promise<unknown>): void
  /** Ends the command with this error. */
  fail(error: unknown): void
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

/** npm passes on a Ctrl-C that the terminal has sent to everybody already: not a second one. */
const SAME_SIGNAL_MS = 250
/** After this long, work that a dead database or a second signal keeps from ending is given up. */
const GIVE_UP_MS = 10_000

/**
 * Calls `start`, waits for SIGINT, SIGTERM, SIGHUP or a failure, and cleans up.
 *
 * @throws what `start` threw or was given to `fail`.
 */
export async function runUntilStopped(start: (lifecycle: Lifecycle) => Promise<void>): Promise<void> {
  const stopping = new AbortController()
  const cleanups: (() => Promise<unknown>)[] = []
  const urgent: (() => Promise<unknown>)[] = []
  const failures: unknown[] = []

  const fail = (error: unknown): void => {
    failures.push(error)
    stopping.abort()
  }
  let signalledAt: number | undefined
  const onSignal = (name: keyof typeof EXIT_CODES): void => {
    const now = Date.now()
    if (signalledAt !== undefined && now - signalledAt < SAME_SIGNAL_MS) return
    signalledAt = now
    if (stopping.signal.aborted) return void leave(urgent, EXIT_CODES[name])
    process.stdout.write(name === 'SIGINT' ? '\nStopping … (Ctrl-C again to stop at once)\n' : 'Stopping …\n')
    stopping.abort(new Error(`Stopped by ${name}.`))
  }
  for (const name of Object.keys(EXIT_CODES)) process.on(name, onSignal)
  // What an agent forgot to await, or throws in a timer: the state of the process is unknown then, so it
  // ends, handing back what it can.
  process.on('uncaughtException', (error) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    fail(error)
  })

  const { signal } = stopping
  try {
    await start({
      signal,
      get hasFailed() {
        return failures.length > 0
      },
      defer: (cleanup) => cleanups.push(cleanup),
      deferUrgent: (cleanup) => urgent.push(cleanup),
      fail,
    })
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
  } catch (error) {
    // A start that was interrupted rejects with that.
    if (!signal.aborted) fail(error)
  }
  if (failures.length > 0) {
    void sleep(GIVE_UP_MS, undefined, { ref: false }).then(() => abandon(urgent, failures[0]))
  }
  for (const cleanup of cleanups.toReversed()) await cleanup().catch(fail)
  if (failures.length > 0) throw failures[0]
}

async function abandon(urgent: (() => Promise<unknown>)[], error: unknown): Promise<void> {
  reportError(error)
  await leave(urgent, 1)
}

async function leave(urgent: (() => Promise<unknown>)[], exitCode: number): Promise<void> {
  await Promise.race([Promise.allSettled(urgent.map((cleanup) => cleanup())), sleep(GIVE_UP_MS)])
  process.exit(exitCode)
}
