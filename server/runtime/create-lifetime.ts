import { StartupError } from '../ports/startup-error.ts'
import type { Parts } from './start-stop.ts'

export interface Lifetime {
  /** Starts what is not started yet. Rejects with the reason when it can't, or when the runtime was stopped. */
  start(): Promise<void>
  /** Stops it, once. */
  stop(): Promise<void>
  /** @throws StartupError when the runtime was stopped. */
  assertNotStopped(): void
}

interface LifetimeOptions {
  parts: Parts
  /** Makes one sentence of the reason why a start failed. */
  toStartupError(error: unknown): unknown
  /** Ends what is not among the parts, and calls `close` to stop those. */
  disconnect(close: () => Promise<void>): Promise<void>
}

/** When a runtime starts and stops: each once, whoever asks for it. */
export function createLifetime({ parts, toStartupError, disconnect }: LifetimeOptions): Lifetime {
  let started: Promise<void> | undefined
  let stopped: Promise<void> | undefined

  async function connect(): Promise<void> {
    try {
      await parts.start()
    } catch (error) {
      // The next call tries again: a database may come up later than its clients.
      started = undefined
      throw toStartupError(error)
    }
  }

  async function close(): Promise<void> {
    // One that fails has told whoever asked for it.
    await started?.catch(() => {})
    await parts.stop()
  }

  return {
    start: () => (stopped === undefined ? (started ??= connect()) : Promise.reject(wasStopped())),
    stop: () => (stopped ??= disconnect(close)),
    assertNotStopped() {
      if (stopped !== undefined) throw wasStopped()
    },
  }
}

function wasStopped(): StartupError {
  return new StartupError('The runtime was stopped: make another one to go on.')
}
