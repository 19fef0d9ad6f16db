import { setTimeout as sleep } from 'node:timers/promises'
import { readCpuSeconds } from './cpu-time.ts'

const LOOK_MS = 250
/** Of one core. */
const IDLE_SHARE = 0.1
const TIMEOUT_MS = 30_000

/** Resolves when processes have worked off what a saturated measurement left them, or don't in half a minute. */
export async function awaitIdle(pids: readonly number[]): Promise<void> {
  const until = performance.now() + TIMEOUT_MS
  for (let last = await readAll(pids); performance.now() < until;) {
    await sleep(LOOK_MS)
    const now = await readAll(pids)
    // Where it can't be told, both are 0.
    if (now - last < (LOOK_MS / 1000) * IDLE_SHARE) return
    last = now
  }
}

async function readAll(pids: readonly number[]): Promise<number> {
  const seconds = await Promise.all(pids.map(readCpuSeconds))
  return seconds.reduce<number>((sum, value) => sum + (value ?? 0), 0)
}
