import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Handler } from './handler.ts'
import { isForRuntime } from './runtime-paths.ts'
import type { RuntimePaths } from './runtime-paths.ts'

/**
 * A request of Node's HTTP server, its response, and what Express calls for requests that are somebody else's. They are told
 * by what tells them from anything else: a browser's code, which sees the type of its runtime, may know no types of Node.
 */
export type NodeHandler = (request: NodeRequest, response: NodeResponse, next?: () => void) => void

interface NodeRequest {
  readonly rawHeaders: readonly string[]
  readonly httpVersion: string
  url?: string | undefined
}

interface NodeResponse {
  readonly headersSent: boolean
  statusCode: number
}

/** What frameworks leave on a request. */
interface Handled extends IncomingMessage {
  /** Express': without what a router cut off the path. */
  originalUrl?: string
  /** What a parser made of the body. */
  body?: unknown
  /** The name by which an HTTP adapter finds a body that was read before. */
  rawBody?: Buffer
}

/** The handler for servers that speak Node's own HTTP: plain Node, Express, Connect, Fastify, Nest. */
export function createNodeHandler(handler: Handler, paths: RuntimePaths): NodeHandler {
  // It puts its own Request and Response in place of the global ones, which Bun, for one, does not take: not unasked.
  let listener: ReturnType<typeof getRequestListener> | undefined
  return (given, response, next) => {
    const request = given as Handled
    const url = request.originalUrl ?? request.url
    if (next !== undefined && !isForRuntime(url, paths)) return next()
    if (request.originalUrl !== undefined) request.url = url
    // A parser was there before, such as `express.json()`: nobody can read the body again.
    if (request.readableDidRead && request.rawBody === undefined) request.rawBody = toBytes(request.body)
    listener ??= getRequestListener((webRequest, { incoming }) =>
      handler(webRequest, { remoteAddress: incoming.socket.remoteAddress }),
    )
    void listener(request, response as ServerResponse)
  }
}

function toBytes(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body
  if (body === undefined) return Buffer.alloc(0)
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}
