import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { NodeConnection } from './connection.ts'
import type { Handler } from './handler.ts'
import { isForRuntime } from './runtime-paths.ts'
import type { RuntimePaths } from './runtime-paths.ts'

/**
 * A request of Node's HTTP server, its response, and the function that Express calls for other requests. The
 * types describe only a few members, because code for a browser sees the runtime's type and may not have
 * Node's types.
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

/** Fields that frameworks add to a request. */
interface Handled extends IncomingMessage {
  /** Of Express: the URL before a router cut off a part of the path. */
  originalUrl?: string
  /** The body after a parser has read it. */
  body?: unknown
  /** The field in which the HTTP adapter looks for a body that was already read. */
  rawBody?: Buffer
}

/** The handler for servers that speak Node's own HTTP: plain Node, Express, Connect, Fastify, Nest. */
export function createNodeHandler(handler: Handler, paths: RuntimePaths): NodeHandler {
  // By default it replaces the global Request and Response, which Bun does not accept. So this is turned off.
  let listener: ReturnType<typeof getRequestListener> | undefined
  return (given, response, next) => {
    const request = given as Handled
    const url = request.originalUrl ?? request.url
    if (next !== undefined && !isForRuntime(url, paths)) return next()
    if (request.originalUrl !== undefined) request.url = url
    // A parser such as `express.json()` has read the body, and it cannot be read again.
    if (request.readableDidRead && request.rawBody === undefined) request.rawBody = toBytes(request.body)
    listener ??= getRequestListener((webRequest, { incoming, outgoing }) =>
      handler(webRequest, {
        remoteAddress: incoming.socket.remoteAddress,
        breakOff: () => outgoing.destroy(),
        readBody: () => bodyOf(incoming as IncomingMessage),
      } satisfies NodeConnection),
    )
    void listener(request, response as ServerResponse)
  }
}

function bodyOf(incoming: IncomingMessage): AsyncIterable<Uint8Array> | undefined {
  // Code of the application, such as `authenticate`, may have made a stream of the body already.
  if (incoming.readableDidRead || incoming.listenerCount('data') > 0) return undefined
  return incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>
}

function toBytes(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body
  if (body === undefined) return Buffer.alloc(0)
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}
