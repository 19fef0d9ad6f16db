import type { Clock } from '../ports/clock.ts'

const MAX_SAVES = 8
const SAVE_AGAIN_MIN_MS = 50
const SAVE_AGAIN_MAX_MS = 2_000

/** Tries for some seconds, with growing pauses, or until the attempt is over. */
export async function patiently<T>(clock: Clock, signal: AbortSignal, save: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await save()
    } catch (error) {
      if (tries === MAX_SAVES || signal.aborted) throw error
      await clock.sleep(Math.min(SAVE_AGAIN_MIN_MS * 2 ** tries, SAVE_AGAIN_MAX_MS), signal)
    }
  }
}
