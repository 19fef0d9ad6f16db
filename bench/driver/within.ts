import { setTimeout as sleep } from 'node:timers/promises'

/** Waits no longer than that: what a saturated target does not manage, it is not waited for. */
export async function within(ms: number, task: Promise<unknown>): Promise<void> {
  const over = new AbortController()
  const timeout = sleep(ms, undefined, { signal: over.signal }).catch(() => undefined)
  try {
    await Promise.race([task, timeout])
  } finally {
    over.abort()
  }
}
