import type { Connections } from './connections.ts'
import type { RunClient } from './run-client.ts'

/** Runs over REST and SSE, created with `more`. */
export function createRestClient(connections: Connections, more: object = {}): RunClient {
  return {
    async create(params) {
      const run = await connections.post('/api/agents/runs/', {
        agent_key: params === undefined ? 'noop' : 'stream',
        messages: [{ role: 'user', content: 'go' }],
        ...(params === undefined ? {} : { params }),
        ...more,
      })
      return (run as { id: string }).id
    },

    follow({ runId, afterSeq = 0, onEvent }) {
      return connections.stream({
        path: `/api/agents/runs/${runId}/events/`,
        ...(afterSeq === 0 ? {} : { headers: { 'last-event-id': String(afterSeq) } }),
        onFrame({ id, event, data }) {
          // Without a type it is a comment, which is how a stream is kept alive.
          if (event !== '') onEvent({ seq: id, data })
        },
      })
    },

    [Symbol.dispose]: () => connections[Symbol.dispose](),
  }
}
