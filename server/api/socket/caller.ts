import type { IncomingMessage } from 'node:http'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import type { Principal } from '../../contract/principal.ts'
import type { Identify } from '../identify.ts'
import { logRefusal } from '../log-refusal.ts'
import { refusalKey } from '../refusal-pace.ts'
import type { NetworkOf, RefusalPace } from '../refusal-pace.ts'
import type { ApiServices } from '../services.ts'
import { ownerOf } from '../seats.ts'
import type { Seats } from '../seats.ts'
import { toRequest, urlOf } from './upgrade-request.ts'

export interface CallerOptions {
  services: Pick<ApiServices, 'log'>
  /** Shared with HTTP. */
  pace: RefusalPace
  networkOf: NetworkOf
  identify: Identify
  seats: Seats
  /** Names of headers that clients may set besides those that say who they are, in lower case. */
  socketHeaders: readonly string[]
}

/** The owner of a connection, from the first result of `authenticate` until it is closed. */
export class Caller implements Disposable {
  readonly #options: CallerOptions
  readonly #request: Request | AgentRuntimeError
  readonly #url: string
  readonly #network: string | undefined
  #principal: Principal | undefined
  #owner: string | undefined
  #seat: Disposable | undefined
  #isGone = false

  /** @param sent the headers that the client sent over the socket. */
  constructor(options: CallerOptions, upgrade: IncomingMessage, sent: Record<string, string>) {
    this.#options = options
    this.#url = urlOf(upgrade)
    this.#network = options.networkOf({
      remoteAddress: upgrade.socket.remoteAddress,
      forwardedFor: upgrade.headers['x-forwarded-for']?.toString(),
    })
    try {
      this.#request = toRequest(upgrade, sent, options.socketHeaders)
    } catch (error) {
      if (!(error instanceof AgentRuntimeError)) throw error
      // Sent in answer to each call: tRPC's clients do not report errors that come before the first call.
      this.#request = error
      this.noteRefusal(error)
    }
  }

  /** Asks again, since a session may have ended. */
  async identify(): Promise<Principal> {
    if (this.#request instanceof AgentRuntimeError) throw this.#request
    const principal = await this.#options.identify(this.#request)
    const owner = ownerOf(principal)
    if (this.#owner !== undefined && this.#owner !== owner) {
      throw this.noteRefusal(
        new AgentRuntimeError('unauthorized', 'The socket was opened by somebody else. Open another one.'),
      )
    }
    this.#owner = owner
    this.#principal = principal
    // The connection may have been closed meanwhile, and nothing would give the seat back.
    if (!this.#isGone) this.#seat ??= this.#takeSeat(principal)
    return principal
  }

  #takeSeat(principal: Principal): Disposable {
    try {
      return this.#options.seats.take(principal)
    } catch (error) {
      throw error instanceof AgentRuntimeError ? this.noteRefusal(error) : error
    }
  }

  /** Counts a refusal. Resolves when the caller may ask on; undefined where that is now. */
  countRefusal(): Promise<unknown> | undefined {
    const { pace } = this.#options
    return pace.wait(pace.count(refusalKey(this.#principal, this.#network)))
  }

  /** Logs what the caller was refused. */
  noteRefusal(error: AgentRuntimeError): AgentRuntimeError {
    logRefusal(this.#options.services.log, error, { method: 'GET', url: this.#url })
    return error
  }

  /** Whether the caller may have a socket. */
  get isKnown(): boolean {
    return this.#seat !== undefined
  }

  [Symbol.dispose](): void {
    this.#isGone = true
    this.#seat?.[Symbol.dispose]()
  }
}
