import { openConnections } from './connections.ts'
import { createRestClient } from './rest-client.ts'
import type { RunClient, Transport } from './run-client.ts'
import { createSocketClient } from './socket-client.ts'
import { createTrpcClient } from './trpc-client.ts'

interface ConnectOptions {
  transport: Transport
  /** Aborts all requests and streams. */
  signal: AbortSignal
  /** Creates each run with a new conversation. The floor has no conversations. Default: no conversation. */
  inConversations?: boolean
  /** Follows the stream of that conversation, over REST. Default: the stream of the run. */
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
