// The beginning and the end of a command that goes on until it is stopped.
import { setTimeout as sleep } from 'node:timers/promises'
import { blameAttempt } from '../worker/current-attempt.ts'
import { reportError } from './cli-error.ts'
import { heedUncaughtErrors } from './uncaught-errors.ts'

export interface Lifecycle {
  /** Aborts when the command should end, for any reason. */
  readonly signal: AbortSignal
  /** Whether it must not wait for work under way, because it ends with an error or was told to hurry. */
  readonly isHurried: boolean
  /** Work for the end; what was deferred last is done first. */
  defer(cleanup: () => Promise<unknown>): void
  /** Work for the end that replaces all deferred work when a second signal says not to wait. */
  deferUrgent(cleanup: () => Promise<unknown>): void
  /** Whether it ends because of an uncaught error that belongs to no run. */
  readonly hasCrashed: boolean
  /** Ends the command successfully. */
  end(): void
  /** Ends the command with this error. */
  fail(error: unknown): void
}

/** Ways to end a command from outside. */
export interface Controls {
  readonly signal: AbortSignal
  /** Ends the command; further calls have no effect. */
  stop(reason: string, options?: { isHurried: boolean }): void
  /** Ends the process at once, after urgent work. */
  leave(exitCode: number): void
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

/** The terminal sends a Ctrl-C to every process, and npm sends it again: that is not a second signal. */
const SAME_SIGNAL_MS = 250
/**
 * After this time, the command gives up work that cannot end, because of a dead database or a second signal.
 */
const GIVE_UP_MS = 10_000

/**
 * Calls `start`, waits until the command is stopped or fails, and cleans up.
 *
 * @param heed sets up what stops the command. Default: SIGINT, SIGTERM and SIGHUP.
 * @throws the error that `start` threw or `fail` got.
 */
export async function runUntilStopped(
  start: (lifecycle: Lifecycle) => Promise<void>,
  heed: (controls: Controls) => void = heedSignals,
): Promise<void> {
  const stopping = new AbortController()
  const { signal } = stopping
  const cleanups: (() => Promise<unknown>)[] = []
  const urgent: (() => Promise<unknown>)[] = []
  const failures: unknown[] = []
  let isHurried = false
  let hasCrashed = false
  let leaving: Promise<never> | undefined

  const fail = (error: unknown): void => {
    failures.push(error)
    stopping.abort()
  }
  heed({
    signal,
    stop(reason, options) {
      isHurried ||= options?.isHurried ?? false
      stopping.abort(new Error(reason))
    },
    leave: (exitCode) => void (leaving ??= leave(urgent, exitCode)),
  })
  heedUncaughtErrors(
    (error) => {
      hasCrashed = true
      fail(error)
    },
    (error) => (blameAttempt(error) ? 'handled' : 'fatal'),
  )

  try {
    await start({
      signal,
      get isHurried() {
        return isHurried || failures.length > 0
      },
      get hasCrashed() {
        return hasCrashed
      },
      end: () => stopping.abort(),
      defer: (cleanup) => cleanups.push(cleanup),
      deferUrgent: (cleanup) => urgent.push(cleanup),
      fail,
    })
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
  } catch (error) {
    // An interrupted start rejects with the interruption.
    if (!signal.aborted) fail(error)
  }
  if (failures.length > 0) {
    void sleep(GIVE_UP_MS, undefined, { ref: false }).then(() => abandon(urgent, failures[0]))
  }
  for (const cleanup of cleanups.toReversed()) await cleanup().catch(fail)
  // Killed processes have ended too, and the exit code is still that of the second signal.
  await leaving
  if (failures.length > 0) throw failures[0]
}

export function heedSignals({ signal, stop, leave }: Controls): void {
  let signalledAt: number | undefined
  const onSignal = (name: keyof typeof EXIT_CODES): void => {
    const now = Date.now()
    if (signalledAt !== undefined && now - signalledAt < SAME_SIGNAL_MS) return
    signalledAt = now
    if (signal.aborted) return leave(EXIT_CODES[name])
    process.stdout.write(name === 'SIGINT' ? '\nStopping … (Ctrl-C again to stop at once)\n' : 'Stopping …\n')
    stop(`Stopped by ${name}.`)
  }
  for (const name of Object.keys(EXIT_CODES)) process.on(name, onSignal)
}

async function abandon(urgent: (() => Promise<unknown>)[], error: unknown): Promise<void> {
  reportError(error)
  await leave(urgent, 1)
}

async function leave(urgent: (() => Promise<unknown>)[], exitCode: number): Promise<never> {
  await Promise.race([Promise.allSettled(urgent.map((cleanup) => cleanup())), sleep(GIVE_UP_MS)])
  process.exit(exitCode)
}
