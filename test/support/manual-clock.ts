import type { Clock } from '../../server/ports/clock.ts'

/** A clock that stands still until the test moves it. */
export class ManualClock implements Clock {
  #now = 0
  #sleepers = new Set<{ until: number; wake: () => void }>()

  now(): number {
    return this.#now
  }

  async nextPass(): Promise<void> {}

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve()
    return new Promise((resolve) => {
      const sleeper = {
        until: this.#now + ms,
        wake: () => {
          this.#sleepers.delete(sleeper)
          signal?.removeEventListener('abort', sleeper.wake)
          resolve()
        },
      }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', sleeper.wake, { once: true })
    })
  }

  /** How many callers wait for time to pass. */
  get sleeping(): number {
    return this.#sleepers.size
  }

  /** Moves the time, and wakes callers whose time has come, in order. */
  advance(ms: number): void {
    this.#now += ms
    const due = [...this.#sleepers].filter((sleeper) => sleeper.until <= this.#now)
    for (const sleeper of due.toSorted((a, b) => a.until - b.until)) sleeper.wake()
  }
}

/** Lets everything happen that needs neither time nor input. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}
