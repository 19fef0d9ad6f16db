import { MAX_TIMEOUT_MS } from '../contract/create-run.ts'
import type { Clock } from './clock.ts'

export const systemClock: Clock = {
  now: () => Date.now(),
  nextPass: () => new Promise((resolve) => setImmediate(resolve)),
  sleep(ms, signal) {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve()
      let timer: NodeJS.Timeout
      let leftMs = ms
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      // Sleep in parts, since a timer with a delay that is too long fires at once.
      const sleepOn = () => {
        const partMs = Math.min(leftMs, MAX_TIMEOUT_MS)
        leftMs -= partMs
        timer = setTimeout(leftMs > 0 ? sleepOn : done, partMs)
        timer.unref()
      }
      sleepOn()
      signal?.addEventListener('abort', done, { once: true })
    })
  },
}
