import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { expect, test } from 'vitest'
import { forwardRequests } from '../../../server/cli/dev/reload/forward-requests.ts'
import type { Forwarding } from '../../../server/cli/dev/reload/forward-requests.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

async function serve(answer: Answer) {
  const server = createServer(answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function serveForwarding(target: () => string | undefined) {
  const forwarding: Forwarding = forwardRequests(target)
  const front = await serve(forwarding.listener)
  front.server.on('upgrade', forwarding.upgrade)
  return Object.assign(front, { forwarding })
}

test('requests and answers stream, each way, as they come', async () => {
  using back = await serve((request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    // The head is sent before any of the body.
    response.flushHeaders()
    request.once('data', () => request.pipe(response))
  })
  using front = await serveForwarding(() => back.url)
  const request = httpRequest(front.url, { method: 'POST' })
  request.write('begin')
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  expect(answer.headers['content-type']).toBe('text/event-stream')
  for (const part of ['one', 'two']) {
    request.write(part)
    const [chunk] = (await once(answer, 'data')) as [Buffer]
    expect(chunk.toString()).toBe(part)
  }
  request.end()
  await once(answer, 'end')
})

test('a client that leaves is gone for the server too, and the other way around', async () => {
  const answers: ServerResponse[] = []
  using back = await serve((_request, response) => {
    answers.push(response)
    response.write('begun')
  })
  using front = await serveForwarding(() => back.url)

  const leaving = new AbortController()
  await fetch(front.url, { signal: leaving.signal })
  const closed = once(answers[0] as ServerResponse, 'close')
  leaving.abort()
  await closed

  const broken = await fetch(front.url)
  answers[1]?.destroy()
  await expect(broken.text()).rejects.toThrow('terminated')
})

test('a request is counted as asked until its answer has begun', async () => {
  const asked = Promise.withResolvers<ServerResponse>()
  using back = await serve((_request, response) => asked.resolve(response))
  using front = await serveForwarding(() => back.url)
  await front.forwarding.settled(back.url)

  const answer = fetch(front.url)
  const response = await asked.promise
  let isSettled = false
  const settled = front.forwarding.settled(back.url).then(() => (isSettled = true))
  await new Promise(setImmediate)
  expect(isSettled).toBe(false)
  response.write('begun')
  await settled
  response.end()
  expect(await (await answer).text()).toBe('begun')
})

test('without a server the answer is 503, also when it has just gone', async () => {
  let url: string | undefined
  using front = await serveForwarding(() => url)
  expect((await fetch(front.url)).status).toBe(503)
  {
    using gone = await serve(() => {})
    url = gone.url
  }
  const answer = await fetch(front.url)
  expect(answer.status).toBe(503)
  expect(answer.headers.get('retry-after')).toBe('1')
})

const UPGRADE = { connection: 'upgrade', upgrade: 'websocket' }

test('WebSockets pass', async () => {
  using back = await serve(() => {})
  back.server.on('upgrade', (_request, socket: Socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
    socket.pipe(socket)
  })
  using front = await serveForwarding(() => back.url)
  const request = httpRequest(front.url, { headers: UPGRADE }).end()
  const [, socket] = (await once(request, 'upgrade')) as [IncomingMessage, Socket, Buffer]
  socket.write('frame')
  const [echoed] = (await once(socket, 'data')) as [Buffer]
  expect(echoed.toString()).toBe('frame')
  socket.end()
  await once(socket, 'close')
})

test('a refusal of a WebSocket passes too', async () => {
  using back = await serve((_request, response) => response.writeHead(404).end('no such thing'))
  using front = await serveForwarding(() => back.url)
  const request = httpRequest(front.url, { headers: UPGRADE }).end()
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  expect(answer.statusCode).toBe(404)
  answer.resume()
  await once(answer, 'end')
})
