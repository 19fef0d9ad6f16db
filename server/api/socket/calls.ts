import type { WebSocket } from 'ws'
import type { Principal } from '../../contract/principal.ts'
import type { Call } from './messages.ts'

interface CallsOptions {
  client: Pick<WebSocket, 'pause' | 'resume'>
  identify(): Promise<Principal>
  begin(call: Call, principal: Principal): Promise<void>
  /** Of those that came with one another, who is calling was not found out, or nobody. */
  refuse(calls: readonly Call[], error: unknown): void
  /** Bytes of calls that may wait. */
  maxWaitingBytes: number
}

/** Calls of one connection at a time. The rest of the capacity is for other connections. */
const MAX_AT_ONCE = 4
const MAX_WAITING = 1_000

/** Makes the calls of a connection in order, with a bound on those at once, so that others get their share. */
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

  /** Asks who is calling once for all calls that have come. Calls that come meanwhile need another question. */
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
