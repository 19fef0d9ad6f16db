// The subscriptions of events over a socket. The messages are the same as those of tRPC's adapter. Through
// the adapter each event would cost each reader an encoding, two writes and a dozen promises.
import type { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import type { Principal } from '../../contract/principal.ts'
import type { EventStream } from '../../events/event-stream.ts'
import { toAgentRuntimeError, toTRPCShape } from '../errors.ts'
import { deadlinesOf } from '../keep-alive.ts'
import { OPEN_EVENTS, stopped, withLastEventId } from '../follow-events.ts'
import type { ApiServices } from '../services.ts'
import type { SubscriptionPath } from '../subscription-paths.ts'
import { endsStream } from '../watch-reader.ts'
import { toEventFrames, toHead } from './event-frames.ts'
import type { Call } from './messages.ts'
import type { Outlet } from './outlet.ts'
import type { InTimeSlice } from './time-slices.ts'

interface SubscriptionOptions {
  call: Call
  path: SubscriptionPath
  services: ApiServices
  outlet: Outlet
  inTimeSlice: InTimeSlice
  /** Called once, when nothing more will be sent. */
  onEnd(): void
}

export class EventSubscription {
  readonly #options: SubscriptionOptions
  readonly #head: string
  #source: EventStream | undefined
  #confirm: ((principal: Principal) => Promise<void>) | undefined
  /** The part of the taken batch that is still to be written. */
  #pieces: readonly Buffer[] = []
  /** What the client was told. */
  #wasRunning = false
  #isLeft = false
  #isOver = false

  constructor(options: SubscriptionOptions) {
    this.#options = options
    this.#head = toHead({ id: options.call.id, jsonrpc: options.call.jsonrpc })
  }

  isOf(call: Call): boolean {
    return this.#options.call === call
  }

  /** Begins to send, or tells the client why it cannot. */
  async open(principal: Principal): Promise<void> {
    const { call, path, services } = this.#options
    try {
      const input = withLastEventId(call.input, call.lastEventId)
      const request = { principal, input, signal: undefined }
      const { batches: source, confirm } = await OPEN_EVENTS[path](services, request)
      if (this.#isOver) return source.close()
      this.#source = source
      this.#confirm = confirm
      if (this.#isLeft) source.close()
      else this.#tellStarted(source)
      source.consume(this.#inTimeSlice)
      this.#inTimeSlice()
    } catch (error) {
      this.refuse(error)
    }
  }

  /** Says why it does not begin. */
  refuse(error: unknown): void {
    if (this.#isOver) return
    this.#respondError(error)
    this.#end()
  }

  /** The client has unsubscribed. A subscription that has not begun yet ends as soon as it begins. */
  stop(): void {
    this.#isLeft = true
    this.#pieces = []
    // End it at once: a client that moves a stream stops it and asks again in one go, perhaps on a full socket.
    if (this.#source !== undefined) this.#stopped()
  }

  /** Checks again whether the reader may see its events, and ends it if not. */
  async confirm(principal: Principal): Promise<void> {
    try {
      await this.#confirm?.(principal)
    } catch (error) {
      if (endsStream(error)) this.fail(error)
      else
        this.#options.services.log.warn(
          { err: error },
          'the reader of a stream could not be checked; it goes on',
        )
    }
  }

  /** Ends it before the run ends. */
  fail(error: AgentRuntimeError): void {
    if (this.#isOver) return
    this.#respondError(error)
    this.#stopped()
  }

  /** The client has gone. */
  abandon(): void {
    this.#end()
  }

  readonly #inTimeSlice = (): void => this.#options.inTimeSlice(this.#step)

  readonly #step = (): void => {
    const { outlet, services } = this.#options
    const source = this.#source
    if (source === undefined || this.#isOver) return
    // Take no batch before the reader has room: its cursor finds the events later.
    if (!outlet.hasRoom) return outlet.whenRoom(this.#inTimeSlice)
    try {
      const [piece, ...rest] = this.#pieces.length > 0 ? this.#pieces : this.#take(source)
      if (piece !== undefined) {
        outlet.write(piece)
        this.#pieces = rest
        if (source.isRunning !== this.#wasRunning && !source.isOver && !this.#isLeft)
          this.#tellStarted(source)
        this.#inTimeSlice()
      } else if (source.isOver) {
        if (services.stopping.aborted && !this.#isLeft) throw stopped()
        this.#stopped()
      }
    } catch (error) {
      this.#respondError(error)
      this.#stopped()
    }
  }

  /**
   * Also says, now and whenever it changes, after how much silence the connection is dead: less while a run
   * is running.
   */
  #tellStarted({ isRunning }: EventStream): void {
    const { runningMs } = deadlinesOf(this.#options.services.streamKeepAliveMs)
    this.#wasRunning = isRunning
    const pace = isRunning ? { reconnectAfterInactivityMs: runningMs } : {}
    this.#respond({ result: { type: 'started', ...pace } })
  }

  #take(source: EventStream): readonly Buffer[] {
    const batch = source.take()
    return batch === undefined ? [] : toEventFrames(this.#head, batch)
  }

  #respond(answer: object): void {
    const { call, outlet } = this.#options
    outlet.send({ id: call.id, jsonrpc: call.jsonrpc, ...answer })
  }

  #respondError(error: unknown): void {
    const { path, services } = this.#options
    this.#respond({ error: toTRPCShape(toAgentRuntimeError(error, services.log), path) })
  }

  #stopped(): void {
    this.#respond({ result: { type: 'stopped' } })
    this.#end()
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#source?.close()
    this.#options.onEnd()
  }
}
