import type { Connections } from './connections.ts'
import type { RunClient } from './run-client.ts'

/**
 * Runs over tRPC, with subscriptions read as `httpSubscriptionLink` reads them. Messages of the protocol
 * (`connected`, `ping`, `return`) have a type in the stream; events have none.
 */
export function createTrpcClient(connections: Connections, more: object = {}): RunClient {
  return {
    async create(params) {
      const answer = await connections.post('/trpc/runs.create', {
        agentKey: params === undefined ? 'noop' : 'stream',
        messages: [{ role: 'user', content: 'go' }],
        ...(params === undefined ? {} : { params }),
        ...more,
      })
      return (answer as { result: { data: { id: string } } }).result.data.id
    },

    follow({ runId, afterSeq = 0, onEvent }) {
      const input = { runId, ...(afterSeq === 0 ? {} : { lastEventId: String(afterSeq) }) }
      return connections.stream({
        path: `/trpc/runs.events?input=${encodeURIComponent(JSON.stringify(input))}`,
        onFrame({ id, event, data }) {
          if (event === '') onEvent({ seq: id, data })
          else if (event === 'serialized-error') throw new Error(`The subscription failed: ${data}`)
        },
      })
    },

    [Symbol.dispose]: () => connections[Symbol.dispose](),
  }
}
