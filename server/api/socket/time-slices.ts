/** Schedules work to be done soon. Work that is scheduled again before it was done is done once. */
export type InTimeSlice = (work: () => void) => void

/**
 * Milliseconds that work may take before the event loop does everything else: requests, timers, other
 * sockets.
 */
const SLICE_MS = 5

/**
 * Lets all streams of a process write in slices of time. A thousand viewers get an event at the same moment.
 * If the server wrote to all of them in one go, a request that came meanwhile would wait until the last
 * viewer has the event.
 */
export function createTimeSlices(now: () => number = () => performance.now()): InTimeSlice {
  const waiting = new Set<() => void>()
  let isDue = false

  function run(): void {
    const until = now() + SLICE_MS
    try {
      for (const work of waiting) {
        // Work that asks again goes to the end of the set, after everybody else's.
        waiting.delete(work)
        work()
        if (now() >= until) break
      }
    } finally {
      // When one work throws, the others still go on.
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
