import { openConnections } from './connections.ts'
import { createRestClient } from './rest-client.ts'
import type { RunClient, Transport } from './run-client.ts'
import { createTrpcClient } from './trpc-client.ts'

interface ConnectOptions {
  transport: Transport
  /** Breaks everything off. */
  signal: AbortSignal
}

export function connect(url: string, { transport, signal }: ConnectOptions): RunClient {
  const connections = openConnections(url, signal)
  return transport === 'rest' ? createRestClient(connections) : createTrpcClient(connections)
}
