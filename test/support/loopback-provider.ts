import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** A model's server on the loopback, with real connections. */
export interface LoopbackProvider extends AsyncDisposable {
  readonly url: string
  /** Bodies of the requests so far. */
  readonly bodies: unknown[]
  /** Answers the next requests with these, one each, in order. */
  answerWith(...answers: Answer[]): void
  /** Resolves when the connection of the latest request is closed. */
  closed(): Promise<void>
  /** Resolves when the next request has come. */
  asked(): Promise<void>
}

type Answer = (response: ServerResponse) => void

export async function startLoopbackProvider(): Promise<LoopbackProvider> {
  const bodies: unknown[] = []
  const queue: Answer[] = []
  let last: Promise<unknown> | undefined
  let next = Promise.withResolvers<void>()
  const server = createServer((request, response) => void answer(request, response))

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A killed client resets its connection, which closes it too.
    last = new Promise((resolve) => request.socket.once('close', resolve))
    bodies.push(JSON.parse((await text(request)) || 'null'))
    next.resolve()
    next = Promise.withResolvers<void>()
    const prepared = queue.shift()
    if (prepared === undefined) response.writeHead(418).end('{}')
    else prepared(response)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    bodies,
    answerWith: (...answers) => void queue.push(...answers),
    closed: async () => void (await last),
    asked: () => next.promise,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** An event stream that ends, is cut off, or stays open. */
export function sending(frames: readonly string[], end: 'ended' | 'cut' | 'open' = 'ended'): Answer {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(frames.join(''), () => {
      if (end === 'ended') response.end()
      if (end === 'cut') response.destroy()
    })
  }
}

export function refusing(status: number, body: object, headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
  }
}

export const silent: Answer = () => {}
