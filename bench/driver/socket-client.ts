import { WebSocket } from 'ws'
import type { Connections } from './connections.ts'
import { TOKEN } from './identity.ts'
import type { ReceivedEvent, RunClient, RunStream } from './run-client.ts'
import { createTrpcClient } from './trpc-client.ts'

/** The socket has only this stream: a viewer is a page, and pages share nothing. */
const ID = 1
const EVENT = '"data":{"id":"'

/** Runs over tRPC, each stream over a WebSocket of its own. */
export function createSocketClient(url: string, connections: Connections, signal: AbortSignal): RunClient {
  const address = `${url.replace('http', 'ws')}/trpc`
  const headers = { authorization: `Bearer ${TOKEN}` }
  const sockets = new Set<WebSocket>()
  const close = (): void => sockets.forEach((socket) => socket.terminate())
  signal.addEventListener('abort', close)

  return {
    create: createTrpcClient(connections).create,

    follow({ runId, afterSeq = 0, onEvent }): RunStream {
      signal.throwIfAborted()
      const socket = new WebSocket(address, { headers, perMessageDeflate: false })
      sockets.add(socket)
      const input = { runId, ...(afterSeq === 0 ? {} : { lastEventId: String(afterSeq) }) }
      const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
      let isClosed = false
      socket.once('open', () =>
        socket.send(
          JSON.stringify({ id: ID, method: 'subscription', params: { path: 'runs.events', input } }),
        ),
      )
      socket.on('message', (data: Buffer) => {
        const text = data.toString()
        if (text === 'PING') return socket.send('PONG')
        const event = readEvent(text)
        if (event !== undefined) return onEvent(event)
        if (text.includes('"error"')) reject(new Error(`The subscription failed: ${text}`))
        // A socket outlives its streams.
        if (text.includes('"stopped"')) socket.close()
      })
      socket.once('error', (error) => (isClosed ? resolve() : reject(error)))
      socket.once('close', () => {
        sockets.delete(socket)
        resolve()
      })
      // If several streams are awaited, the first to break is reported, and ends the others.
      ended.catch(() => {})
      return {
        ended,
        pause: () => socket.pause(),
        resume: () => socket.resume(),
        close() {
          isClosed = true
          socket.terminate()
        },
      }
    },

    [Symbol.dispose]() {
      signal.removeEventListener('abort', close)
      close()
      connections[Symbol.dispose]()
    },
  }
}

/** Undefined for messages of the protocol itself. It parses no JSON, since that is not the server's work. */
function readEvent(text: string): ReceivedEvent | undefined {
  const start = text.indexOf(EVENT)
  return start === -1 ? undefined : { seq: Number.parseInt(text.slice(start + EVENT.length), 10), data: text }
}
