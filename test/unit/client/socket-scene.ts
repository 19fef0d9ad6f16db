import type { HeadersOption } from '../../../client/links.ts'
import { createSocketTransport } from '../../../client/socket-transport.ts'
import { createSockets } from '../../../client/sockets.ts'
import type { RunTransport } from '../../../client/transport.ts'
import { FakeSocket, fakeWebSocket } from './fake-socket.ts'
import { fakeClock, fakeTransport, RUN_ID, runEvent, settled } from './fake-transport.ts'

interface SceneOptions {
  headers?: HeadersOption
  fallsBack?: boolean
}

export function scene({ headers, fallsBack = true }: SceneOptions = {}) {
  const clock = fakeClock()
  const http = fakeTransport()
  const sockets = createSockets({
    WebSocket: fakeWebSocket(),
    url: 'ws://server.test/trpc',
    clock,
    openTimeoutMs: 3_000,
    headStartMs: 300,
    keepAliveMs: 10_000,
    lingerMs: 500,
  })
  const transport = createSocketTransport({
    sockets,
    headers,
    prefix: '',
    http,
    fallsBack,
    clock,
    headStartMs: 300,
  })
  return { clock, http, transport, open: (lastEventId = 0) => open(transport, lastEventId) }
}

/** Opens a stream, and records what its reader gets. */
export async function open(transport: RunTransport, lastEventId = 0) {
  const heard: string[] = []
  const close = transport.openStream(
    { runId: RUN_ID, lastEventId },
    {
      onOpened: () => heard.push('opened'),
      onEvent: ({ seq }) => heard.push(`event ${seq}`),
      onCompleted: () => heard.push('completed'),
      onFailed: ({ code, message }) => heard.push(`${code}: ${message}`),
    },
  )
  await settled()
  return { heard, close }
}

export const socket = (index = 0): FakeSocket => FakeSocket.opened[index]!
export const started = (id: number) => ({ id, result: { type: 'started' } })
export const event = (id: number, seq: number) => ({
  id,
  result: { type: 'data', id: String(seq), data: { id: String(seq), data: runEvent(seq) } },
})
