// One WebSocket that carries any number of streams, in the protocol of tRPC's WebSocket adapter. tRPC's
// own client for it opens a lost connection again and repeats what was asked over it, without end and
// also when nobody is interested any more; when to do that is decided in follow-run.ts.
import { TRPCClientError } from '@trpc/client'
import type { TRPCClientIncomingMessage } from '@trpc/server/rpc'
import type { ClientClock } from './clock.ts'
import { eitherAborts } from './older-runtimes.ts'

export interface SocketOptions {
  WebSocket: typeof globalThis.WebSocket
  /** Of the router, with the scheme of a WebSocket. */
  url: string
  /** Stands for the headers of an ordinary request: who is calling. */
  headers: Record<string, string>
  clock: ClientClock
  /** Milliseconds the connection may take until the server is heard over it. */
  openTimeoutMs: number
  /** Milliseconds of silence before the server is asked whether it is still there, and then before it is not. */
  keepAliveMs: number
  /** Milliseconds without streams before it is closed. */
  lingerMs: number
}

/** Each stream ends with exactly one of `onStopped`, `onRefused` and `onLost`. */
export interface SocketStreamObserver {
  onStarted(): void
  onData(data: unknown): void
  /** The server has nothing more to say. */
  onStopped(): void
  onRefused(error: unknown): void
  /** The connection is gone, for all streams on it. `isProven`: the server had been heard over it. */
  onLost(error: Error, isProven: boolean): void
}

interface Stream {
  observer: SocketStreamObserver
  hasStarted: boolean
  isLeft: boolean
  /** Milliseconds of silence by which the server says that the connection is dead. */
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
  /** When it was asked whether it is still there, while it has said nothing since. */
  #askedAt: number | undefined
  /** Aborts when it may have to be looked after at another time. */
  #woken = new AbortController()

  /** @throws when `url` is none for a WebSocket. */
  constructor(options: SocketOptions) {
    this.#options = options
    this.#heardAt = options.clock.now()
    const { url, headers } = options
    // Told by the address, the server waits for the headers before anything else.
    this.#socket = new options.WebSocket(`${url}${url.includes('?') ? '&' : '?'}connectionParams=1`)
    this.#socket.addEventListener('open', () => this.#onOpen(headers))
    this.#socket.addEventListener('message', ({ data }: MessageEvent<unknown>) => this.#onMessage(data))
    this.#socket.addEventListener('error', () => this.#lose('it broke off'))
    this.#socket.addEventListener('close', () => this.#lose('it was closed'))
    void this.#awaitOpen()
  }

  /** Whether it takes further streams. */
  get isUsable(): boolean {
    return !this.#closed.signal.aborted
  }

  /** Streams that the server may still have open. */
  get size(): number {
    return this.#streams.size
  }

  /** Opens a stream. The function it returns closes it; the observer then hears nothing more. */
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
      // Until it has started a stop would find nothing to stop, and it would then go on for nobody.
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
    // Answered at once: some proxies open a socket and then let nothing through.
    this.#socket.send('PING')
    this.#send({ method: 'connectionParams', data: headers })
    for (const text of this.#unsent) this.#socket.send(text)
    this.#unsent = []
  }

  #onMessage(data: unknown): void {
    if (!this.isUsable) return
    this.#heardAt = this.#options.clock.now()
    // Only then: who sleeps until it is asked next need not know each message.
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
    // The only request a server makes: it is about to stop.
    if ('method' in message) return this.#lose('the server is stopping')
    const stream = this.#streams.get(Number(message.id))
    if ('error' in message) {
      // One that is about no stream is about all of them.
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

  /** Forgets a stream, and answers who is to hear of its end, if anybody. */
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

  /** Notices a connection that is open and dead. */
  async #keepAlive(): Promise<void> {
    const { clock } = this.#options
    const leftMs = () => (this.#askedAt ?? this.#heardAt) + this.#keepAliveMs - clock.now()
    while (this.isUsable) {
      this.#woken = new AbortController()
      await clock.sleep(Math.max(0, leftMs()), this.#woken.signal)
      if (!this.isUsable || leftMs() > 0) continue
      if (this.#askedAt !== undefined) return this.#lose('it carried nothing any more')
      // Asked, rather than given up: the timers of a page in the background come minutes late.
      this.#askedAt = clock.now()
      this.#socket.send('PING')
    }
  }

  /** Half of the shortest silence by which a stream is dead: the server is asked after the first half. */
  get #keepAliveMs(): number {
    const halves = [...this.#streams.values()].map(({ deadlineMs }) => deadlineMs / 2)
    return Math.min(this.#options.keepAliveMs, ...halves)
  }

  /** At once, also where the connection can't: a dead one takes long to close. */
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
