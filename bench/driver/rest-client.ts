// node:http and not fetch: on a machine the driver shares with what it measures, what fetch costs on
// top would be taken from the servers.
import { Agent, request } from 'node:http'
import type { IncomingMessage, RequestOptions } from 'node:http'
import type { RunClient } from './run-client.ts'
import { createSseReader } from './sse-reader.ts'

/** Runs over REST and SSE. Its connections are kept alive, and broken off when `signal` aborts. */
export function createRestClient(url: string, signal: AbortSignal): RunClient {
  const { hostname, port } = new URL(url)
  const agent = new Agent({ keepAlive: true })
  const close = (): void => agent.destroy()
  signal.addEventListener('abort', close)

  async function send(options: RequestOptions, body?: string): Promise<IncomingMessage> {
    signal.throwIfAborted()
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ hostname, port, agent, ...options }, resolve)
        .once('error', reject)
        .end(body)
    })
    response.setEncoding('utf8')
    return response
  }

  return {
    async create(agentKey) {
      const body = JSON.stringify({ agent_key: agentKey, messages: [{ role: 'user', content: 'go' }] })
      const headers = { 'content-type': 'application/json', 'content-length': body.length }
      const response = await send({ method: 'POST', path: '/api/agents/runs/', headers }, body)
      let text = ''
      await consume(response, (chunk) => (text += chunk))
      if (response.statusCode !== 201)
        throw new Error(`Creating a run answered ${response.statusCode}: ${text}`)
      return (JSON.parse(text) as { id: string }).id
    },

    async follow({ runId, afterSeq = 0, onEvent }) {
      const headers = {
        accept: 'text/event-stream',
        ...(afterSeq === 0 ? {} : { 'last-event-id': String(afterSeq) }),
      }
      const response = await send({ path: `/api/agents/runs/${runId}/events/`, headers })
      await consume(response, createSseReader(onEvent))
      if (response.statusCode !== 200)
        throw new Error(`The stream of run ${runId} answered ${response.statusCode}`)
    },

    [Symbol.dispose]() {
      signal.removeEventListener('abort', close)
      close()
    },
  }
}

function consume(response: IncomingMessage, onChunk: (chunk: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    response.on('data', onChunk).once('end', resolve).once('error', reject)
  })
}
