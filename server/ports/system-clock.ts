import type { Clock } from './clock.ts'

export const systemClock: Clock = {
  now: () => Date.now(),
  nextPass: () => new Promise((resolve) => setImmediate(resolve)),
  sleep(ms, signal) {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve()
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      timer.unref()
      signal?.addEventListener('abort', done, { once: true })
    })
  },
}
