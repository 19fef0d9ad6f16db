// Uses node:http and not fetch: the driver shares the machine with what it measures, and fetch would take
// more CPU time from the servers.
import { Agent, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { TOKEN } from './identity.ts'
import type { RunStream } from './run-client.ts'
import { createSseReader } from './sse-reader.ts'
import type { SseFrame } from './sse-reader.ts'

interface StreamOptions {
  path: string
  headers?: Record<string, string>
  onFrame(frame: SseFrame): void
}

/** Requests to one server, as one caller. */
export interface Connections extends Disposable {
  /**
   * @returns the parsed answer
   * @throws when it was not a success
   */
  post(path: string, body: unknown): Promise<unknown>
  /** @returns the status, whatever it is. */
  postText(path: string, body: string): Promise<number>
  stream(options: StreamOptions): RunStream
}

/** Connections are kept alive. They are destroyed when `signal` aborts. */
export function openConnections(url: string, signal: AbortSignal, token = TOKEN): Connections {
  const { hostname, port } = new URL(url)
  const agent = new Agent({ keepAlive: true })
  const close = (): void => agent.destroy()
  signal.addEventListener('abort', close)
  const server = { hostname, port, agent }
  const authorization = `Bearer ${token}`

  function send(path: string, body: string): Promise<IncomingMessage> {
    signal.throwIfAborted()
    const headers = {
      authorization,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    }
    return new Promise((resolve, reject) => {
      request({ ...server, method: 'POST', path, headers }, resolve)
        .once('error', reject)
        .end(body)
    })
  }

  return {
    async postText(path, body) {
      const response = await send(path, body)
      await consume(response, () => {})
      return response.statusCode ?? 0
    },

    async post(path, value) {
      const response = await send(path, JSON.stringify(value))
      let text = ''
      await consume(response, (chunk) => (text += chunk))
      if (isSuccess(response)) return JSON.parse(text)
      throw new Error(`POST ${path} answered ${response.statusCode}: ${text}`)
    },

    stream({ path, headers, onFrame }) {
      signal.throwIfAborted()
      let isClosed = false
      const sent = request({
        ...server,
        path,
        headers: { authorization, accept: 'text/event-stream', ...headers },
      })
      const answered = new Promise<IncomingMessage>((resolve, reject) => {
        sent.once('response', resolve).once('error', reject).end()
      })
      const ended = answered
        .then(async (response) => {
          await consume(response, createSseReader(onFrame))
          if (!isSuccess(response)) throw new Error(`GET ${path} answered ${response.statusCode}`)
        })
        .catch((error: unknown) => {
          if (!isClosed) throw error
        })
      // If several streams are awaited, the first to break is reported, and ends the others.
      ended.catch(() => {})
      return {
        ended,
        pause: () => void answered.then((response) => response.pause()).catch(() => {}),
        resume: () => void answered.then((response) => response.resume()).catch(() => {}),
        close() {
          isClosed = true
          sent.destroy()
        },
      }
    },

    [Symbol.dispose]() {
      signal.removeEventListener('abort', close)
      close()
    },
  }
}

const isSuccess = ({ statusCode = 0 }: IncomingMessage): boolean => statusCode >= 200 && statusCode < 300

function consume(response: IncomingMessage, onChunk: (chunk: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    response.setEncoding('utf8').once('end', resolve).once('error', reject)
    response.on('data', (chunk: string) => {
      try {
        onChunk(chunk)
      } catch (error) {
        response.destroy(error as Error)
      }
    })
  })
}
