import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { AgentRuntime } from '../../server/runtime/agent-runtime.ts'

export interface NodeHost extends AsyncDisposable {
  url: string
  /** URL of the router, for sockets. */
  socketUrl: string
  /** The server's side of connections that became sockets. */
  sockets: Socket[]
  /** All connections, including those. */
  connections: Socket[]
}

type Mountable = Pick<AgentRuntime, 'handler' | 'handleUpgrade'>

/** A Node HTTP server with mounted runtimes: each is asked for sockets, the first answers requests. */
export async function hostRuntimes(...runtimes: [Mountable, ...Mountable[]]): Promise<NodeHost> {
  const sockets: Socket[] = []
  const connections: Socket[] = []
  const server = createServer(
    getRequestListener((request, { incoming }) =>
      runtimes[0].handler(request, { remoteAddress: incoming.socket.remoteAddress }),
    ),
  )
  server.on('connection', (connection: Socket) => connections.push(connection))
  server.on('upgrade', (request, socket: Socket, head) => {
    if (runtimes.some((runtime) => runtime.handleUpgrade(request, socket, head))) sockets.push(socket)
    else socket.end('HTTP/1.1 404 Not Found\r\n\r\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: `http://${host}`,
    socketUrl: `ws://${host}/trpc`,
    sockets,
    connections,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
