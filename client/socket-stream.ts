import type { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { AnyConversationEvent } from '../server/contract/conversation-event.ts'
import type { AnyRunEvent } from '../server/contract/event.ts'
import type { Json } from '../server/contract/json.ts'
import type { ClientClock } from './clock.ts'
import type { HeadersOption } from './links.ts'
import { resolveHeaders } from './links.ts'
import type { Sockets } from './sockets.ts'
import { toAgentError } from './to-agent-error.ts'
import { inputOf } from './transport.ts'
import type { RunStreamRequest, RunTransport, StreamObserver, StreamRequest } from './transport.ts'

export interface SocketStreamOptions {
  sockets: Sockets
  /** What comes before the names of procedures. */
  prefix: string
  headers: HeadersOption | undefined
  /** For everything but streams. */
  http: RunTransport
  /** Whether streams use `http` if sockets don't work. */
  fallsBack: boolean
  clock: ClientClock
  /** Milliseconds in which a first socket must open before its stream uses `http` for a while. */
  headStartMs: number
}

/** One stream over a socket of its caller. It uses HTTP if the socket does not work, or not soon. */
export class SocketStream {
  readonly #options: SocketStreamOptions
  #caller: Record<string, string>
  #request: StreamRequest
  /** The request that was sent over the socket. */
  #asked: StreamRequest | undefined
  readonly #observer: StreamObserver
  /** Aborts when the server is heard over the socket, the socket is lost, or the stream is left. */
  readonly #answered = new AbortController()
  readonly #left = new AbortController()
  #closeSocket = () => {}
  #closeHttp: (() => void) | undefined
  #isLost = false
  #isHttpOpen = false

  constructor(
    options: SocketStreamOptions,
    caller: Record<string, string>,
    request: StreamRequest,
    observer: StreamObserver,
  ) {
    this.#options = options
    this.#caller = caller
    this.#request = request
    this.#observer = observer
    if (options.fallsBack && !options.sockets.isWorthTrying) {
      this.#openOverHttp()
      void this.#subscribeLater()
      return
    }
    this.#subscribe()
    if (options.fallsBack && options.sockets.isHopeless) void this.#openOverHttpSoon()
  }

  close(): void {
    this.#left.abort()
    this.#answered.abort()
    this.#closeSocket()
    this.#closeHttp?.()
    this.#closeHttp = undefined
  }

  #subscribe(): void {
    const { sockets, prefix } = this.#options
    const path = `${prefix}${'runId' in this.#request ? 'runs' : 'conversations'}.events`
    /** Calls back, unless the stream uses HTTP by now. */
    const unlessElsewhere =
      <T extends unknown[]>(hear: (...heard: T) => void) =>
      (...heard: T) => {
        this.#answered.abort()
        if (this.#closeHttp === undefined) hear(...heard)
      }
    this.#asked = this.#request
    try {
      this.#closeSocket = sockets.open(this.#caller).subscribe(path, inputOf(this.#request), {
        onStarted: () => {
          this.#answered.abort()
          sockets.onProven()
          if (this.#closeHttp === undefined) this.#observer.onOpened()
          else this.#move()
        },
        // The router's type is taken on trust, since the wire does not carry it.
        onData: unlessElsewhere((tracked) => this.#observer.onEvent((tracked as { data: AnyRunEvent }).data)),
        onStopped: unlessElsewhere(() => this.#observer.onCompleted()),
        onRefused: (refusal) => this.#onRefused(refusal),
        onLost: (error, isProven) => this.#onLost(error, isProven),
      })
    } catch (error) {
      this.#onLost(error, false)
    }
  }

  #onRefused(refusal: unknown): void {
    const { sockets, http, fallsBack } = this.#options
    this.#answered.abort()
    const error = toAgentError(refusal)
    const { maxSubscriptions, refusedHeaders } = detailsOf(error)
    if (typeof maxSubscriptions === 'number') {
      sockets.onFull(maxSubscriptions)
      this.#subscribe()
    } else if (refusedHeaders !== undefined && fallsBack) {
      // In an ordinary request, a proxy strips the headers that only it may set.
      sockets.onUnfit()
      this.#closeHttp ??= http.openStream(this.#request, this.#observer)
    } else if (this.#closeHttp === undefined) this.#observer.onFailed(error)
  }

  #onLost(error: unknown, isProven: boolean): void {
    const { sockets, fallsBack } = this.#options
    this.#answered.abort()
    sockets.onLost()
    this.#isLost = !isProven
    if (this.#closeHttp !== undefined) this.#judge()
    else if (!isProven && fallsBack && sockets.isHopeless) this.#openOverHttp()
    else return this.#observer.onFailed(toAgentError(error))
    void this.#subscribeLater()
  }

  /**
   * Tries a socket again, since the server may only have been slow. A browser has few connections for HTTP. A call or stream
   * that gets none would wait until a run ends.
   */
  async #subscribeLater(): Promise<void> {
    const { sockets, headers } = this.#options
    const { signal } = this.#left
    await sockets.untilNextTry(signal)
    if (signal.aborted) return
    // The token may have been renewed meanwhile.
    this.#caller = await resolveHeaders(headers).catch(() => this.#caller)
    if (!signal.aborted) this.#subscribe()
  }

  /** The stream goes over HTTP when the first socket is slow. The socket stays open: the stream moves to it later. */
  async #openOverHttpSoon(): Promise<void> {
    const { sockets, clock, headStartMs } = this.#options
    await clock.sleep(headStartMs, this.#answered.signal)
    if (this.#answered.signal.aborted || !sockets.takeHeadStart()) return
    this.#openOverHttp()
    const close = this.#closeHttp
    this.#closeHttp = () => {
      sockets.endHeadStart()
      close?.()
    }
  }

  #openOverHttp(): void {
    const { runId } = this.#request as Partial<RunStreamRequest>
    const end = (tell: () => void) => {
      this.close()
      tell()
    }
    this.#closeHttp = this.#options.http.openStream(this.#request, {
      onOpened: () => {
        this.#isHttpOpen = true
        this.#judge()
        this.#observer.onOpened()
      },
      onEvent: (event) => {
        // Where the stream would continue over the socket.
        const lastEventId = runId === undefined ? (event as AnyConversationEvent).cursor : event.seq
        this.#request = { ...this.#request, lastEventId } as StreamRequest
        this.#observer.onEvent(event)
      },
      onCompleted: () => end(() => this.#observer.onCompleted()),
      onFailed: (error) => end(() => this.#observer.onFailed(error)),
    })
  }

  /** The socket works by now, so the stream continues over it after the last event that came over HTTP. */
  #move(): void {
    this.#closeHttp?.()
    this.#closeHttp = undefined
    if (this.#asked === this.#request) return this.#observer.onOpened()
    this.#closeSocket()
    this.#subscribe()
  }

  /** If HTTP works, the socket itself has caused the failure. */
  #judge(): void {
    if (this.#isLost && this.#isHttpOpen) this.#options.sockets.onUseless()
  }
}

/** The data that the server adds to the words of a refusal. */
function detailsOf({ details }: AgentRuntimeError): { maxSubscriptions?: Json; refusedHeaders?: Json } {
  return typeof details === 'object' && details !== null && !Array.isArray(details) ? details : {}
}
