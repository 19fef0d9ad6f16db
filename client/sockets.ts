import type { ClientClock } from './clock.ts'
import type { SocketSettings } from './socket-settings.ts'
import { Socket } from './socket.ts'

/** The pause before a new try after the first failure, since the server may have been starting or slow. */
const FIRST_PAUSE_MS = 5_000
/** The pause doubles with each failure in a row, up to this. */
const LONGEST_PAUSE_MS = 5 * 60_000
/**
 * If sockets worked before, so many of them must fail in a row before a stream uses HTTP, and only that stream
 * does. The server was most likely away, and a page may have more streams than connections.
 */
const PATIENCE = 5

/** A browser has six connections to a server, and calls need some of them. */
const MAX_HEAD_STARTS = 4

export interface Sockets {
  /** False for some time after sockets were found not to work here. */
  readonly isWorthTrying: boolean
  /** Resolves when a stream that goes over HTTP may try a socket again, or when `signal` aborts. */
  untilNextTry(signal: AbortSignal): Promise<void>
  /** Whether a stream whose socket did not open should use HTTP. */
  readonly isHopeless: boolean
  /** The socket that this caller's streams share, or another one if it is full. @throws when no socket can be made. */
  open(headers: Record<string, string>): Socket
  /** Whether one more stream may use HTTP while the first socket opens, until `endHeadStart`. */
  takeHeadStart(): boolean
  endHeadStart(): void
  /** A stream has started over a socket. */
  onProven(): void
  /** A socket was lost. */
  onLost(): void
  /** The server answers, but not over sockets. The deployment has none, or a proxy blocks them. */
  onUseless(): void
  /** The server refuses over a socket what it accepts over HTTP. */
  onUnfit(): void
  /** The server has said how many streams a socket may carry. */
  onFull(maxStreams: number): void
}

export function createSockets(
  options: { WebSocket: typeof globalThis.WebSocket; url: string; clock: ClientClock } & SocketSettings,
): Sockets {
  const { clock } = options
  let current: { sockets: Socket[]; caller: string } | undefined
  let maxStreams = Infinity
  let wasProven = false
  let failures = 0
  let headStarts = 0
  let nextTryAt = Number.NEGATIVE_INFINITY
  let closedUntil = Number.NEGATIVE_INFINITY
  return {
    get isWorthTrying() {
      return clock.now() >= closedUntil
    },
    async untilNextTry(signal) {
      // Check again after the sleep, because another stream may have tried and failed meanwhile.
      while (!signal.aborted && clock.now() < nextTryAt) await clock.sleep(nextTryAt - clock.now(), signal)
    },
    get isHopeless() {
      return !wasProven || failures >= PATIENCE
    },
    open(headers) {
      // A socket belongs to the caller who opened it. Somebody who signs in as another user gets another socket.
      const caller = JSON.stringify(headers)
      if (current?.caller !== caller) current = { sockets: [], caller }
      const usable = current.sockets.filter(({ isUsable }) => isUsable)
      let socket = usable.find(({ size }) => size < maxStreams)
      if (socket === undefined) {
        failures += 1
        socket = new Socket({ ...options, headers })
        usable.push(socket)
      }
      current.sockets = usable
      return socket
    },
    takeHeadStart() {
      if (headStarts >= MAX_HEAD_STARTS) return false
      headStarts += 1
      return true
    },
    endHeadStart() {
      headStarts -= 1
    },
    onProven() {
      wasProven = true
      failures = 0
      closedUntil = Number.NEGATIVE_INFINITY
    },
    onLost() {
      nextTryAt = clock.now() + Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS)
    },
    onUseless() {
      if (!wasProven) closedUntil = nextTryAt
    },
    onUnfit() {
      nextTryAt = clock.now() + LONGEST_PAUSE_MS
      closedUntil = nextTryAt
    },
    onFull(most) {
      maxStreams = most
    },
  }
}
