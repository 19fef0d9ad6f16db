import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { WebhookEndpoint } from '../../server/index.ts'

export const secretOf = (letter: string) => `whsec_${Buffer.from(letter.repeat(32)).toString('base64')}`

interface Received {
  /** The path with the query. */
  url: string
  headers: IncomingHttpHeaders
  text: string
  body: { type: string; data: Record<string, unknown> }
}

/** An endpoint. Its nth answer is the nth of `answers`, and after those 204. */
export async function startReceiver(...answers: ((response: ServerResponse) => void)[]) {
  const received: Received[] = []
  const server = createServer((request, response) => {
    void (async () => {
      let text = ''
      for await (const chunk of request) text += String(chunk)
      received.push({
        url: request.url ?? '',
        headers: request.headers,
        text,
        body: JSON.parse(text) as Received['body'],
      })
      const answer = answers[received.length - 1]
      if (answer === undefined) response.writeHead(204).end()
      else answer(response)
    })()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    received,
    port,
    endpoint: {
      name: 'receiver',
      url: `http://127.0.0.1:${port}/hooks?a=b`,
      secrets: [secretOf('a')],
      allowPrivate: true,
    } satisfies WebhookEndpoint as WebhookEndpoint,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
