import { aborted } from '../concurrency/aborted.ts'
import type { Json } from '../contract/json.ts'
import type { PendingWait } from '../contract/wait.ts'
import type { NewWait } from '../ports/attempt.ts'
import type { Clock } from '../ports/clock.ts'
import { RunInterruption } from './interruption.ts'

/**
 * The waits of one attempt. The first wait that is not settled yet ends the attempt, a pass of the event
 * loop later: what the agent waits for at the same moment (`Promise.all`) is asked for together.
 */
export class Suspension {
  readonly #clock: Clock
  readonly #controller: AbortController
  readonly #waits: NewWait[] = []

  constructor(clock: Clock, controller: AbortController) {
    this.#clock = clock
    this.#controller = controller
  }

  get waits(): readonly NewWait[] {
    return this.#waits
  }

  /** Never resolves: rejects with the signal's reason when the attempt is over. */
  async add(wait: NewWait): Promise<never> {
    this.#waits.push(wait)
    if (this.#waits.length === 1) {
      await this.#clock.nextPass()
      this.#controller.abort(new RunInterruption('waiting'))
    }
    const { signal } = this.#controller
    await aborted(signal)
    throw signal.reason
  }

  /** What is told of each wait, as of now. */
  payloads(): Json[] {
    const now = this.#clock.now()
    return this.#waits.map(({ name, kind, details, schema, timeoutMs }) => {
      const expiresAt = timeoutMs === null ? null : new Date(now + timeoutMs).toISOString()
      return { name, kind, details, schema, expiresAt } satisfies PendingWait
    })
  }
}
