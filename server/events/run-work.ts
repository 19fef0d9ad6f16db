import type { AnyRunEvent } from '../contract/event.ts'
import type { RuntimeEventPayloads } from '../contract/runtime-events.ts'

/**
 * Tells from a run's events whether work is being done for it. None is while the run waits for a person or a time, or
 * waits for runs below it and one of these waits for a person.
 */
export class RunWork {
  #isWaiting: boolean
  /** It waits for a person or a time, not only for runs below it. */
  #isPaused: boolean
  /** The runs below that wait for a person. */
  readonly #asking = new Set<string>()

  constructor(isPaused: boolean) {
    this.#isWaiting = isPaused
    this.#isPaused = isPaused
  }

  get goesOn(): boolean {
    return !this.#isWaiting || (!this.#isPaused && this.#asking.size === 0)
  }

  hear({ type, payload }: Pick<AnyRunEvent, 'type' | 'payload'>): void {
    if (type === 'run.waiting') {
      this.#isWaiting = true
      if ((Object(payload) as RuntimeEventPayloads['run.waiting']).kind !== 'child') this.#isPaused = true
    } else if (type === 'run.resumed' || type === 'run.started') {
      this.#isWaiting = this.#isPaused = false
    } else if (type === 'child.waiting') {
      // Only a waiting run gets this event.
      this.#isWaiting = true
      const { childRunId, waits } = Object(payload) as RuntimeEventPayloads['child.waiting']
      if (waits.length > 0) this.#asking.add(childRunId)
      else this.#asking.delete(childRunId)
    }
  }
}
