/** Work for one of many, done soon. Given again before it was done, it is done once. */
export type TakeTurn = (work: () => void) => void

/** How long work may go on before the event loop gets to everything else: requests, timers, other sockets. */
const SLICE_MS = 5

/**
 * Lets all streams of a process write by turns. A thousand viewers hear of an event at the same moment: written to
 * in one go, they would keep a request that has come meanwhile waiting until the last of them has it.
 */
export function createTurns(now: () => number = () => performance.now()): TakeTurn {
  const waiting = new Set<() => void>()
  let isDue = false

  function run(): void {
    const until = now() + SLICE_MS
    try {
      for (const work of waiting) {
        // Work that wants another turn goes to the end of the set, after everybody else's.
        waiting.delete(work)
        work()
        if (now() >= until) break
      }
    } finally {
      // Also after work that has thrown: the others' goes on.
      isDue = waiting.size > 0
      if (isDue) setImmediate(run)
    }
  }

  return (work) => {
    waiting.add(work)
    if (isDue) return
    isDue = true
    setImmediate(run)
  }
}
