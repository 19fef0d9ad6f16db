import { aborted } from '../concurrency/aborted.ts'
import type { Json } from '../contract/json.ts'
import type { PendingWait } from '../contract/wait.ts'
import type { NewWait } from '../ports/attempt.ts'
import type { NewChild } from '../ports/family.ts'
import type { Clock } from '../ports/clock.ts'
import { RunInterruption } from './interruption.ts'

/**
 * The waits of one attempt. An open wait ends the attempt one pass of the event loop later, so that waits
 * which the agent begins together (`Promise.all`) are stored together: also those that are still being prepared then.
 */
export class Suspension {
  readonly #clock: Clock
  readonly #controller: AbortController
  readonly #waits: NewWait[] = []
  #preparing = 0

  constructor(clock: Clock, controller: AbortController) {
    this.#clock = clock
    this.#controller = controller
  }

  get waits(): readonly NewWait[] {
    return this.#waits
  }

  /** The runs that are created with the waits. */
  get children(): NewChild[] {
    return this.#waits.flatMap(({ child }) => child ?? [])
  }

  /** Never resolves. Rejects with the signal's reason when the attempt is over. */
  async add(wait: NewWait): Promise<never> {
    this.#waits.push(wait)
    void this.#endWhenPrepared()
    const { signal } = this.#controller
    await aborted(signal)
    throw signal.reason
  }

  /** Does what has to be done before it is known what to wait for. The attempt does not end for another wait meanwhile. */
  async prepare<T>(work: () => Promise<T>): Promise<T> {
    this.#preparing += 1
    try {
      return await work()
    } finally {
      this.#preparing -= 1
      void this.#endWhenPrepared()
    }
  }

  async #endWhenPrepared(): Promise<void> {
    await this.#clock.nextPass()
    if (this.#waits.length === 0 || this.#preparing > 0) return
    this.#controller.abort(new RunInterruption('waiting'))
  }

  /** The payload of `run.waiting` for each wait. One is enough to tell that children are waited for: these have events of their own. */
  payloads(): Json[] {
    const now = this.#clock.now()
    const others = this.#waits.filter(({ kind }) => kind !== 'child')
    return (others.length === 0 ? this.#waits.slice(0, 1) : others).map(
      ({ name, occurrence, kind, details, schema, timeoutMs }) => {
        const expiresAt = timeoutMs === null ? null : new Date(now + timeoutMs).toISOString()
        const told = { name, kind, details, schema, expiresAt }
        return (occurrence === 1 ? told : { ...told, occurrence }) satisfies PendingWait
      },
    )
  }
}
