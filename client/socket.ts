// One WebSocket that carries any number of streams, in the protocol of tRPC's WebSocket adapter. tRPC's own
// client reopens a lost connection and repeats its requests without end, even when nobody is interested
// any more. Here follow-run.ts decides when to reconnect.
import { TRPCClientError } from '@trpc/client'
import type { TRPCClientIncomingMessage } from '@trpc/server/rpc'
import type { ClientClock } from './clock.ts'
import { eitherAborts } from './older-runtimes.ts'

export interface SocketOptions {
  WebSocket: typeof globalThis.WebSocket
  /** The router's address, with the scheme of a WebSocket. */
  url: string
  /** Sent in place of the headers of an ordinary request, to tell who is calling. */
  headers: Record<string, string>
  clock: ClientClock
  /** Milliseconds in which the server must be heard over the connection. */
  openTimeoutMs: number
  /** Milliseconds of silence before the client pings the server, and then again before it gives the connection up. */
  keepAliveMs: number
  /** Milliseconds without streams before the socket is closed. */
  lingerMs: number
}

/** Each stream ends with exactly one of `onStopped`, `onRefused` and `onLost`. */
export interface SocketStreamObserver {
  onStarted(): void
  onData(data: unknown): void
  /** The server has nothing more to say. */
  onStopped(): void
  onRefused(error: unknown): void
  /** The connection of all its streams is lost. `isProven`: the server had been heard over it. */
  onLost(error: Error, isProven: boolean): void
}

interface Stream {
  observer: SocketStreamObserver
  hasStarted: boolean
  isLeft: boolean
  /** Milliseconds of silence after which the connection is dead, as the server says. */
  deadlineMs: number
}

export class Socket {
  readonly #options: SocketOptions
  readonly #socket: WebSocket
  readonly #streams = new Map<number, Stream>()
  /** Aborts when the server is heard for the first time. */
  readonly #proven = new AbortController()
  readonly #closed = new AbortController()
  #unsent: string[] = []
  #lastId = 0
  #heardAt: number
  #isOpen = false
  #idle = new AbortController()
  /** When the server was pinged. Undefined once it has said something. */
  #askedAt: number | undefined
  /** Aborts when the time of the next check may have changed. */
  #woken = new AbortController()

  /** @throws when `url` is not valid for a WebSocket. */
  constructor(options: SocketOptions) {
    this.#options = options
    this.#heardAt = options.clock.now()
    const { url, headers } = options
    // This parameter makes the server wait for the headers before anything else.
    this.#socket = new options.WebSocket(`${url}${url.includes('?') ? '&' : '?'}connectionParams=1`)
    this.#socket.addEventListener('open', () => this.#onOpen(headers))
    this.#socket.addEventListener('message', ({ data }: MessageEvent<unknown>) => this.#onMessage(data))
    this.#socket.addEventListener('error', () => this.#lose('it broke off'))
    this.#socket.addEventListener('close', () => this.#lose('it was closed'))
    void this.#awaitOpen()
  }

  /** Whether it takes more streams. */
  get isUsable(): boolean {
    return !this.#closed.signal.aborted
  }

  /** Streams that the server may still have open. */
  get size(): number {
    return this.#streams.size
  }

  /** Opens a stream. @returns a function that closes the stream, after which the observer hears nothing more. */
  subscribe(path: string, input: unknown, observer: SocketStreamObserver): () => void {
    this.#idle.abort()
    this.#lastId += 1
    const id = this.#lastId
    const stream: Stream = { observer, hasStarted: false, isLeft: false, deadlineMs: Infinity }
    this.#streams.set(id, stream)
    this.#send({ id, method: 'subscription', params: { path, input } })
    return () => {
      if (this.#streams.get(id) !== stream || stream.isLeft) return
      stream.isLeft = true
      // The server ignores a stop before the stream has started, and the stream would go on for nobody.
      if (stream.hasStarted) this.#stop(id)
      void this.#closeWhenIdle()
    }
  }

  #stop(id: number): void {
    this.#streams.delete(id)
    this.#send({ id, method: 'subscription.stop' })
  }

  #send(message: object): void {
    const text = JSON.stringify(message)
    if (this.#isOpen) this.#socket.send(text)
    else this.#unsent.push(text)
  }

  #onOpen(headers: Record<string, string>): void {
    if (!this.isUsable) return
    this.#isOpen = true
    // The server answers a ping at once. Some proxies open a socket and then let nothing through.
    this.#socket.send('PING')
    this.#send({ method: 'connectionParams', data: headers })
    for (const text of this.#unsent) this.#socket.send(text)
    this.#unsent = []
  }

  #onMessage(data: unknown): void {
    if (!this.isUsable) return
    this.#heardAt = this.#options.clock.now()
    // Only after a ping. The sleep before the next ping need not end with each message.
    if (this.#askedAt !== undefined) this.#woken.abort()
    this.#askedAt = undefined
    const isProven = this.#proven.signal.aborted
    if (data === 'PING') this.#socket.send('PONG')
    else if (data !== 'PONG') this.#onAnswer(data)
    if (isProven) return
    this.#proven.abort()
    void this.#keepAlive()
  }

  #onAnswer(data: unknown): void {
    const message = parse(data)
    if (message === undefined) return this.#lose('what it carried is not of tRPC')
    // A server makes only one request, which says that it is about to stop.
    if ('method' in message) return this.#lose('the server is stopping')
    const stream = this.#streams.get(Number(message.id))
    if ('error' in message) {
      // An error without a stream's id is about all streams.
      if (message.id === null) return this.#lose(message.error.message)
      this.#end(Number(message.id))?.onRefused(TRPCClientError.from(message))
    } else if (message.result.type === 'started') {
      if (stream === undefined) return
      const isFirst = !stream.hasStarted
      stream.hasStarted = true
      this.#pace(stream, message.result)
      if (stream.isLeft) this.#stop(Number(message.id))
      else if (isFirst) stream.observer.onStarted()
    } else if (message.result.type === 'stopped') {
      this.#end(Number(message.id))?.onStopped()
    } else if (stream?.isLeft === false) {
      stream.observer.onData(message.result.data)
    }
  }

  /** The server says again that a stream has started when a run of it begins to run, or stops. */
  #pace(stream: Stream, started: object): void {
    const { reconnectAfterInactivityMs } = started as { reconnectAfterInactivityMs?: number }
    stream.deadlineMs = reconnectAfterInactivityMs ?? Infinity
    this.#woken.abort()
  }

  /** Forgets a stream. @returns the observer of its end, if there is one. */
  #end(id: number): SocketStreamObserver | undefined {
    const stream = this.#streams.get(id)
    this.#streams.delete(id)
    void this.#closeWhenIdle()
    return stream?.isLeft === false ? stream.observer : undefined
  }

  async #closeWhenIdle(): Promise<void> {
    const isIdle = () => [...this.#streams.values()].every(({ isLeft }) => isLeft)
    if (!isIdle()) return
    this.#idle.abort()
    const idle = new AbortController()
    this.#idle = idle
    await this.#options.clock.sleep(this.#options.lingerMs, idle.signal)
    if (!idle.signal.aborted) this.#lose('nobody uses it')
  }

  async #awaitOpen(): Promise<void> {
    const { clock, openTimeoutMs } = this.#options
    await clock.sleep(openTimeoutMs, eitherAborts(this.#proven.signal, this.#closed.signal))
    if (!this.#proven.signal.aborted) this.#lose('it did not open')
  }

  /** Notices a connection that is open but dead. */
  async #keepAlive(): Promise<void> {
    const { clock } = this.#options
    const leftMs = () => (this.#askedAt ?? this.#heardAt) + this.#keepAliveMs - clock.now()
    while (this.isUsable) {
      this.#woken = new AbortController()
      await clock.sleep(Math.max(0, leftMs()), this.#woken.signal)
      if (!this.isUsable || leftMs() > 0) continue
      if (this.#askedAt !== undefined) return this.#lose('it carried nothing any more')
      // Ping before giving up, because the timers of a page in the background come minutes late.
      this.#askedAt = clock.now()
      this.#socket.send('PING')
    }
  }

  /** Half of the shortest silence after which a stream is dead. The client pings after the first half. */
  get #keepAliveMs(): number {
    const halves = [...this.#streams.values()].map(({ deadlineMs }) => deadlineMs / 2)
    return Math.min(this.#options.keepAliveMs, ...halves)
  }

  /** Ends all streams at once, because a dead connection takes long to close. */
  #lose(why: string): void {
    if (!this.isUsable) return
    this.#closed.abort()
    this.#idle.abort()
    this.#woken.abort()
    this.#socket.close()
    const lost = [...this.#streams.values()].filter(({ isLeft }) => !isLeft)
    this.#streams.clear()
    const error = new Error(`The socket was lost: ${why}.`)
    for (const { observer } of lost) observer.onLost(error, this.#proven.signal.aborted)
  }
}

function parse(data: unknown): TRPCClientIncomingMessage | undefined {
  try {
    const message: unknown = typeof data === 'string' ? JSON.parse(data) : undefined
    return typeof message === 'object' && message !== null && ('id' in message || 'method' in message)
      ? (message as TRPCClientIncomingMessage)
      : undefined
  } catch {
    return undefined
  }
}
