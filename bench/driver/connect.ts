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
  /** And followed by the stream of that: over REST. Default: by its own. */
  followsConversations?: boolean
}

export function connect(
  url: string,
  { transport, signal, inConversations = false, followsConversations = false }: ConnectOptions,
): RunClient {
  const more = inConversations || followsConversations ? { conversation: 'new' } : {}
  const connections = openConnections(url, signal)
  switch (transport) {
    case 'rest':
      return createRestClient(connections, more, { followsConversations })
    case 'trpc':
      return createTrpcClient(connections, more)
    case 'socket':
      return createSocketClient(url, connections, signal)
  }
}
