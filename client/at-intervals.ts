import type { ClientClock } from './clock.ts'

/** Returns a function that has `action` called soon: once for all requests meanwhile, and at most every `intervalMs`. */
export function atIntervals(
  { clock, intervalMs }: { clock: ClientClock; intervalMs: number },
  action: () => void,
): () => void {
  let isAwaited = false
  let doneAt = Number.NEGATIVE_INFINITY

  async function wait(): Promise<void> {
    isAwaited = true
    await clock.sleep(Math.max(0, doneAt + intervalMs - clock.now()))
    isAwaited = false
    doneAt = clock.now()
    action()
  }

  return () => {
    if (!isAwaited) void wait()
  }
}
