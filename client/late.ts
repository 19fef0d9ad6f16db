// Code that a page loads when it first needs it.
import { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { ClientClock } from './clock.ts'
import { systemClock } from './clock.ts'
import { eitherAborts, throwIfAborted } from './older-runtimes.ts'
import { isOffline, untilOnline } from './online.ts'
import { delayMs } from './reconnect-policy.ts'
import type { ReconnectPolicy } from './reconnect-policy.ts'
import { toAgentError } from './to-agent-error.ts'

/** Without this limit, a request that hangs would block for ever what waits for the code. */
const LIMIT_MS = 30_000

/**
 * Loads something at the first call. A later call tries again after a failure. Nothing is loaded while the page is offline, because a
 * browser may remember that a module could not be loaded.
 */
export function loadedOnce<T>(load: () => Promise<T>, clock: ClientClock = systemClock): () => Promise<T> {
  let loading: Promise<T> | undefined
  return async () => {
    if (loading === undefined && isOffline()) throw unavailable('The browser is offline.')
    const mine = (loading ??= withinLimit(load(), clock))
    try {
      return await mine
    } catch (failure) {
      if (loading === mine) loading = undefined
      throw failure
    }
  }
}

export interface LateDependencies {
  clock: ClientClock
  policy: ReconnectPolicy
  /** A random number from 0 up to, not including, 1. */
  random: () => number
}

/**
 * Returns what `loaded` resolves with. Yields each failure, and then loads again as if a connection were lost.
 *
 * @throws AgentRuntimeError after the last failure that the policy allows; the signal's reason when it aborts.
 */
export async function* untilLoaded<T>(
  loaded: () => Promise<T>,
  { clock, policy, random }: LateDependencies,
  signal?: AbortSignal,
): AsyncGenerator<{ type: 'disconnected'; error: AgentRuntimeError }, T, void> {
  for (let failures = 1; ; failures += 1) {
    throwIfAborted(signal)
    try {
      return await withinLimit(loaded(), clock, signal)
    } catch (cause) {
      throwIfAborted(signal)
      const error = toAgentError(cause)
      if (failures > policy.maxFailures) throw error
      yield { type: 'disconnected', error }
      await untilOnline((wake) => clock.sleep(delayMs(failures, random(), policy), wake), signal)
    }
  }
}

/** @throws the signal's reason when it aborts first. */
async function withinLimit<T>(loading: Promise<T>, clock: ClientClock, signal?: AbortSignal): Promise<T> {
  const settled = new AbortController()
  const isOver = signal === undefined ? settled.signal : eitherAborts(signal, settled.signal)
  const limit = clock.sleep(LIMIT_MS, isOver).then(() => {
    throwIfAborted(signal)
    throw unavailable(`The code did not load within ${LIMIT_MS / 1_000} seconds.`)
  })
  try {
    return await Promise.race([loading, limit])
  } finally {
    settled.abort()
  }
}

const unavailable = (message: string) => new AgentRuntimeError('unavailable', message)
