import type { Connections } from './connections.ts'
import type { RunClient } from './run-client.ts'

interface RestOptions {
  /** A run that has a conversation is followed by the conversation's stream. */
  followsConversations?: boolean
}

/** A client for runs over REST and SSE. Each is created with `more`. */
export function createRestClient(
  connections: Connections,
  more: object = {},
  { followsConversations = false }: RestOptions = {},
): RunClient {
  const conversations = new Map<string, string>()
  return {
    async create(params) {
      const run = await connections.post('/api/agents/runs/', {
        agent_key: params === undefined ? 'noop' : 'stream',
        messages: [{ role: 'user', content: 'go' }],
        ...(params === undefined ? {} : { params }),
        ...more,
      })
      const { id, conversation_id: conversationId } = run as { id: string; conversation_id?: string | null }
      if (followsConversations && conversationId) conversations.set(id, conversationId)
      return id
    },

    follow({ runId, afterSeq = 0, onEvent }) {
      const conversationId = conversations.get(runId)
      const path = conversationId === undefined ? `runs/${runId}` : `conversations/${conversationId}`
      const stream = connections.stream({
        path: `/api/agents/${path}/events/`,
        ...(afterSeq === 0 ? {} : { headers: { 'last-event-id': String(afterSeq) } }),
        onFrame({ id, event, data }) {
          // A frame without a type is a comment, which keeps the stream alive.
          if (event !== '') onEvent({ seq: id, data })
          // The stream of a conversation goes on after the run.
          if (conversationId !== undefined && event === 'run.succeeded') stream.close()
        },
      })
      return stream
    },

    [Symbol.dispose]: () => connections[Symbol.dispose](),
  }
}
