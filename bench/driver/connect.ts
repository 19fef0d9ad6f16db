import { openConnections } from './connections.ts'
import { createRestClient } from './rest-client.ts'
import type { RunClient, Transport } from './run-client.ts'
import { createSocketClient } from './socket-client.ts'
import { createTrpcClient } from './trpc-client.ts'

interface ConnectOptions {
  transport: Transport
  /** Breaks everything off. */
  signal: AbortSignal
}

export function connect(url: string, { transport, signal }: ConnectOptions): RunClient {
  const connections = openConnections(url, signal)
  switch (transport) {
    case 'rest':
      return createRestClient(connections)
    case 'trpc':
      return createTrpcClient(connections)
    case 'socket':
      return createSocketClient(url, connections, signal)
  }
}
