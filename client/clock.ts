/** Time as the client uses it, so that tests can drive it. */
export interface ClientClock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms`; sooner when `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The longest delay of a timer, about 25 days. */
const MAX_TIMER_MS = 2_147_483_647

/** The machine's own time. */
export const systemClock: ClientClock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const wake = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      let timer: ReturnType<typeof setTimeout>
      let leftMs = ms
      // Sleep in parts, because a timer with a longer delay fires at once.
      const sleepOn = () => {
        const partMs = Math.min(leftMs, MAX_TIMER_MS)
        leftMs -= partMs
        timer = setTimeout(leftMs > 0 ? sleepOn : wake, partMs)
      }
      sleepOn()
      signal?.addEventListener('abort', wake)
    }),
}
