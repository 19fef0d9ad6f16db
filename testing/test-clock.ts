import type { Clock } from '../server/ports/clock.ts'
import { systemClock } from '../server/ports/system-clock.ts'

/** The time of this process, which a test moves on. It also goes by itself. */
export class TestClock implements Clock {
  #aheadMs: number
  #moved = new AbortController()

  constructor(aheadMs: number) {
    this.#aheadMs = aheadMs
  }

  now(): number {
    return systemClock.now() + this.#aheadMs
  }

  nextPass(): Promise<void> {
    return systemClock.nextPass()
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const until = this.now() + ms
    const isOver = () => this.now() >= until || signal?.aborted === true
    while (!isOver()) {
      const woken = AbortSignal.any([this.#moved.signal, ...(signal === undefined ? [] : [signal])])
      await systemClock.sleep(until - this.now(), woken)
    }
  }

  advance(ms: number): void {
    this.#aheadMs += ms
    const before = this.#moved
    this.#moved = new AbortController()
    before.abort()
  }
}
