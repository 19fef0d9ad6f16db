interface Sent {
  method: string
  id?: number
}

/** The server's side of a WebSocket, driven step by step by a test. */
export class FakeSocket extends EventTarget {
  static opened: FakeSocket[] = []
  readonly sent: Sent[] = []
  readonly url: string
  isClosed = false

  constructor(url: string) {
    super()
    this.url = url
    FakeSocket.opened.push(this)
  }

  send(text: string): void {
    this.sent.push(/^P[IO]NG$/.test(text) ? { method: text } : (JSON.parse(text) as Sent))
  }

  close(): void {
    this.isClosed = true
  }

  accept(): void {
    this.dispatchEvent(new Event('open'))
    this.say('PONG')
  }

  /** Fails the socket. A browser reports a socket that did not open and a lost one in the same way. */
  fail(): void {
    this.dispatchEvent(new Event('error'))
    this.dispatchEvent(new Event('close'))
  }

  say(message: object | string): void {
    const data = typeof message === 'string' ? message : JSON.stringify(message)
    this.dispatchEvent(new MessageEvent('message', { data }))
  }

  /** The requested methods so far, with the ids of streams. */
  get methods(): string[] {
    return this.sent.map(({ method, id }) => (id === undefined ? method : `${method} ${id}`))
  }
}

/** Stands in for the global class, and forgets the sockets of earlier tests. */
export function fakeWebSocket(): typeof globalThis.WebSocket {
  FakeSocket.opened = []
  return FakeSocket as unknown as typeof globalThis.WebSocket
}
