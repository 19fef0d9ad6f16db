// Tells which attempt the running code belongs to, also for promises and timers that an agent does not await.
import { AsyncLocalStorage } from 'node:async_hooks'

interface Attempt {
  /** Ends it with an error that nobody caught. */
  fail(error: unknown): void
}

const storage = new AsyncLocalStorage<Attempt>()

/** Runs an agent so that errors of its timers and promises can be traced back to this attempt. */
export function runAsAttempt<T>(attempt: Attempt, run: () => T): T {
  return storage.run(attempt, run)
}

/**
 * Fails the attempt whose code threw an error that nobody caught. For handlers of `uncaughtException`, which Node
 * calls in the context of the code that threw.
 *
 * @returns false when the error is no attempt's.
 */
export function blameAttempt(error: unknown): boolean {
  const attempt = storage.getStore()
  attempt?.fail(error)
  return attempt !== undefined
}
