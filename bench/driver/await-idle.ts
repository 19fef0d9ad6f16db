import { setTimeout as sleep } from 'node:timers/promises'
import { readCpuSeconds } from './cpu-time.ts'

const LOOK_MS = 250
/** CPU time, as a share of one core. */
const IDLE_SHARE = 0.1
const TIMEOUT_MS = 30_000

/**
 * Resolves when the processes have done the work that a saturated measurement left, or after half a minute.
 */
export async function awaitIdle(pids: readonly number[]): Promise<void> {
  const until = performance.now() + TIMEOUT_MS
  for (let last = await readAll(pids); performance.now() < until;) {
    await sleep(LOOK_MS)
    const now = await readAll(pids)
    // Both are 0 where the operating system does not tell.
    if (now - last < (LOOK_MS / 1000) * IDLE_SHARE) return
    last = now
  }
}

async function readAll(pids: readonly number[]): Promise<number> {
  const seconds = await Promise.all(pids.map(readCpuSeconds))
  return seconds.reduce<number>((sum, value) => sum + (value ?? 0), 0)
}
