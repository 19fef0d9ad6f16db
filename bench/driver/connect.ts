import { openConnections } from './connections.ts'
import { createRestClient } from './rest-client.ts'
import type { RunClient, Transport } from './run-client.ts'
import { createSocketClient } from './socket-client.ts'
import { createTrpcClient } from './trpc-client.ts'

interface ConnectOptions {
  transport: Transport
  /** Breaks everything off. */
  signal: AbortSignal
  /** Each run is created with a conversation of its own; the floor knows of none. Default: in none. */
  inConversations?: boolean
}

export function connect(
  url: string,
  { transport, signal, inConversations = false }: ConnectOptions,
): RunClient {
  const more = inConversations ? { conversation: 'new' } : {}
  const connections = openConnections(url, signal)
  switch (transport) {
    case 'rest':
      return createRestClient(connections, more)
    case 'trpc':
      return createTrpcClient(connections, more)
    case 'socket':
      return createSocketClient(url, connections, signal)
  }
}
