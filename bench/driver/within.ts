import { setTimeout as sleep } from 'node:timers/promises'

/** Waits at most this long. A saturated target may never finish. */
export async function within(ms: number, task: Promise<unknown>): Promise<void> {
  const over = new AbortController()
  const timeout = sleep(ms, undefined, { signal: over.signal }).catch(() => undefined)
  try {
    await Promise.race([task, timeout])
  } finally {
    over.abort()
  }
}
