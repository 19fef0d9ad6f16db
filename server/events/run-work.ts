import type { AnyRunEvent, RuntimeEventPayloads } from '../contract/event.ts'

/**
 * Whether something is being done for a run, by its own events. It is not while the run waits for a person or for a time, nor while it
 * waits for runs below it of which one waits for a person.
 */
export class RunWork {
  #isWaiting: boolean
  /** For a person or for a time, and not for runs below it alone. */
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
      // Told to a run that waits, and to no other.
      this.#isWaiting = true
      const { childRunId, waits } = Object(payload) as RuntimeEventPayloads['child.waiting']
      if (waits.length > 0) this.#asking.add(childRunId)
      else this.#asking.delete(childRunId)
    }
  }
}
