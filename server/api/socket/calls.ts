import type { WebSocket } from 'ws'
import type { Principal } from '../../contract/principal.ts'
import type { Call } from './messages.ts'

interface CallsOptions {
  client: Pick<WebSocket, 'pause' | 'resume'>
  identify(): Promise<Principal>
  begin(call: Call, principal: Principal): Promise<void>
  /** Refuses calls that came together, because their caller could not be found out or is nobody. */
  refuse(calls: readonly Call[], error: unknown): void
  /** Bytes of calls that may wait. */
  maxWaitingBytes: number
}

/** Calls of one connection at the same time. The rest of the capacity is for other connections. */
const MAX_AT_ONCE = 4
const MAX_WAITING = 1_000

/**
 * Executes the calls of a connection in order. It bounds how many run at once, so that other connections get
 * their share.
 */
export class Calls {
  readonly #options: CallsOptions
  #waiting: Call[] = []
  #waitingBytes = 0
  #running = 0
  #isServing = false
  #onDone = (): void => {}

  constructor(options: CallsOptions) {
    this.#options = options
  }

  /** @param bytes of the message they came in. */
  add(calls: readonly Call[], bytes: number): void {
    if (calls.length === 0) return
    this.#waiting.push(...calls)
    this.#waitingBytes += bytes
    // Stop reading: what the client sends now waits in its own buffers.
    if (this.#waiting.length >= MAX_WAITING || this.#waitingBytes >= this.#options.maxWaitingBytes) {
      this.#options.client.pause()
    }
    if (!this.#isServing) void this.#serve()
  }

  /**
   * Authenticates once for all calls that have come. Calls that come meanwhile need another authentication.
   */
  async #serve(): Promise<void> {
    const { client, identify, begin, refuse } = this.#options
    this.#isServing = true
    while (this.#waiting.length > 0) {
      const calls = this.#waiting
      this.#waiting = []
      this.#waitingBytes = 0
      client.resume()
      try {
        const principal = await identify()
        for (const call of calls) {
          if (this.#running >= MAX_AT_ONCE) await new Promise<void>((resolve) => (this.#onDone = resolve))
          this.#running += 1
          void begin(call, principal).finally(() => {
            this.#running -= 1
            this.#onDone()
          })
        }
      } catch (error) {
        refuse(calls, error)
      }
    }
    this.#isServing = false
  }
}
