import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { ClientOptions } from 'ws'
import { WebSocket } from 'ws'

interface Answer {
  id: number
  result?: { type: string; data?: { id: string; data: { seq: number; type: string } } }
  error?: { data: { httpStatus: number; code: string; error: { code: string } } }
}

export interface RawSocket extends Disposable {
  socket: WebSocket
  send(message: object): void
  /** Answers so far, without signs of life. */
  answers: Answer[]
  /** The next answers, up to the first that matches. */
  until(fits: (answer: Answer) => boolean): Promise<Answer[]>
  /** The code with which it was closed. */
  closed: Promise<number>
}

/** A client that speaks tRPC's protocol by hand, and can misbehave. */
export async function openRawSocket(
  url: string,
  { params, ...options }: ClientOptions & { params?: Record<string, string> } = {},
): Promise<RawSocket> {
  const target = new URL(url)
  target.searchParams.set('connectionParams', '1')
  const socket = new WebSocket(target, options)
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  await once(socket, 'open')
  const answers: Answer[] = []
  let taken = 0
  const send = (message: object) => socket.send(JSON.stringify(message))
  socket.on('message', (data: Buffer) => {
    const text = data.toString()
    if (text === 'PING') socket.send('PONG')
    else answers.push(JSON.parse(text) as Answer)
    socket.emit('answer')
  })
  send({ method: 'connectionParams', data: params ?? {} })
  return {
    socket,
    send,
    answers,
    closed,
    async until(fits) {
      for (;;) {
        const end = answers.findIndex((answer, index) => index >= taken && fits(answer))
        if (end >= 0) {
          const found = answers.slice(taken, end + 1)
          taken = end + 1
          return found
        }
        await once(socket, 'answer')
      }
    },
    [Symbol.dispose]: () => socket.terminate(),
  }
}

/** The status and the body with which a socket was refused. */
export async function refusalOf(
  url: string,
  options: ClientOptions,
): Promise<{ status: number; body: string }> {
  const socket = new WebSocket(url, options)
  // Without a listener for it, `ws` turns a refusal into an error.
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
  let body = ''
  for await (const chunk of response) body += String(chunk)
  return { status: response.statusCode ?? 0, body }
}
