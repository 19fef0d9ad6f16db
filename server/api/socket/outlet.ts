import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { toFrame } from './frames.ts'

/** Unread bytes after which a client is cut off. Streams stop sending long before that. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024

/** All streams and calls of a connection write to this. */
export interface Outlet {
  /** False once the connection is closing; then nothing more is written. */
  readonly isOpen: boolean
  /** Whether everything written so far was sent. */
  readonly hasRoom: boolean
  /** Calls back once, when there is room again or the connection is closed. */
  whenRoom(task: () => void): void
  /** One or more whole frames. */
  write(frames: Uint8Array): void
  send(message: object | 'PONG'): void
}

export function createOutlet(client: WebSocket, socket: Duplex): Outlet {
  let waiting: (() => void)[] = []
  const onRoom = () => {
    const tasks = waiting
    waiting = []
    for (const task of tasks) task()
  }
  socket.on('drain', onRoom).once('close', onRoom)

  function write(frames: Uint8Array): void {
    if (client.readyState !== client.OPEN) return
    // Writes to the connection directly, not through `ws`. `ws` neither compresses nor fragments here, so it
    // holds no bytes that must go first.
    socket.write(frames)
    if (socket.writableLength > MAX_UNREAD_BYTES) client.terminate()
  }

  return {
    get isOpen() {
      return client.readyState === client.OPEN
    },
    get hasRoom() {
      return !socket.writableNeedDrain
    },
    whenRoom(task) {
      waiting.push(task)
    },
    write,
    send: (message) => write(toFrame(typeof message === 'string' ? message : JSON.stringify(message))),
  }
}
