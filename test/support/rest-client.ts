import { EventSourceParserStream } from 'eventsource-parser/stream'

type Handler = (request: Request) => Promise<Response>

export interface RestEvent extends Record<string, unknown> {
  seq: number
  type: string
  attempt: number
  payload: unknown
  /** Set in the stream of a conversation. */
  cursor?: string
}

export interface RestAnswer {
  status: number
  headers: Headers
  /** The parsed JSON. Undefined if there is no body. */
  body: Record<string, unknown>
}

/** The answer of a run, from its body. */
export function outputOf(body: RestAnswer['body']): unknown {
  return (body['output'] as { final_output?: unknown }).final_output
}

interface SendOptions {
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
}

/** The REST face of a runtime, for a client in any language. */
export interface RestClient {
  get(path: string, options?: SendOptions): Promise<RestAnswer>
  /** A new run has no messages unless the body has some. */
  post(path: string, body?: unknown, options?: SendOptions): Promise<RestAnswer>
  /** A request with any other method. */
  request(method: 'PATCH' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<RestAnswer>
  /** Creates a run and returns its id. Rejects unless it is new. */
  create(agentKey: string, more?: Record<string, unknown>): Promise<string>
  /** Any request, with any body. */
  send(path: string, init: RequestInit & { duplex?: 'half' }): Promise<Response>
  /** An open event stream. Rejects unless it is one. */
  stream(path: string, options?: SendOptions): Promise<RestStream>
  /** All events of a stream, to its end. */
  events(path: string, options?: SendOptions): Promise<RestEvent[]>
}

export interface RestStream {
  status: number
  headers: Headers
  comments: string[]
  /** The next event. Undefined at the end. */
  next(): Promise<RestEvent | undefined>
  /** Events up to and including the first of this type. */
  until(type: string): Promise<RestEvent[]>
  close(): Promise<void>
}

export function createRestClient(handler: Handler, defaults: Record<string, string> = {}): RestClient {
  const urlOf = (path: string) => new URL(path.startsWith('/') ? path : `/${path}`, 'http://runtime.test')
  const send: RestClient['send'] = (path, init) =>
    handler(new Request(urlOf(path.startsWith('/') ? path : `/api/agents/${path}`), init))

  async function json(path: string, init: RequestInit): Promise<RestAnswer> {
    const { status, headers, ...response } = await read(await send(path, init))
    return {
      status,
      headers,
      body: response.text === '' ? {} : (JSON.parse(response.text) as RestAnswer['body']),
    }
  }

  const optional = (signal?: AbortSignal) => (signal === undefined ? {} : { signal })

  const stream: RestClient['stream'] = async (path, { headers, signal } = {}) => {
    const accept = { accept: 'text/event-stream' }
    const response = await send(path, {
      headers: { ...accept, ...defaults, ...headers },
      ...optional(signal),
    })
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return readStream(response)
  }

  const withBody = (
    method: string,
    [path, body]: [path: string, body: unknown],
    { headers, signal }: SendOptions = {},
  ) =>
    json(path, {
      method,
      headers: { 'content-type': 'application/json', ...defaults, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...optional(signal),
    })

  const post: RestClient['post'] = (path, body, options) =>
    withBody('POST', [path, isNewRun(path, body) ? { messages: [], ...body } : body], options)

  return {
    send,
    stream,
    post,
    request: (method, path, body) => withBody(method, [path, body]),
    async create(agentKey, more) {
      const { status, body } = await post('runs', { agent_key: agentKey, ...more })
      if (status !== 201) throw new Error(`creating a run: ${status} ${JSON.stringify(body)}`)
      return String(body['id'])
    },
    get: (path, { headers, signal } = {}) =>
      json(path, { headers: { accept: 'application/json', ...defaults, ...headers }, ...optional(signal) }),
    async events(path, options) {
      const opened = await stream(path, options)
      const events: RestEvent[] = []
      for (let event = await opened.next(); event !== undefined; event = await opened.next())
        events.push(event)
      return events
    },
  }
}

/** Most tests send no messages to their runs, and REST needs an explicit list. */
function isNewRun(path: string, body: unknown): body is object {
  return /^runs\/?(\?|$)/.test(path) && typeof body === 'object' && body !== null && !Array.isArray(body)
}

async function read(response: Response): Promise<{ status: number; headers: Headers; text: string }> {
  return { status: response.status, headers: response.headers, text: await response.text() }
}

function readStream(response: Response): RestStream {
  const comments: string[] = []
  const parser = new EventSourceParserStream({
    onError: 'terminate',
    onComment: (comment) => comments.push(comment),
  })
  const reader = (response.body ?? new ReadableStream<Uint8Array>())
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .pipeThrough(parser)
    .getReader()

  async function next(): Promise<RestEvent | undefined> {
    const { value } = await reader.read()
    if (value === undefined) return undefined
    const event = JSON.parse(value.data) as RestEvent
    const id = event.cursor ?? String(event.seq)
    if (value.id !== id || value.event !== event.type) {
      throw new Error(`the frame says ${value.id} ${value.event}, its data ${id} ${event.type}`)
    }
    return event
  }

  return {
    status: response.status,
    headers: response.headers,
    comments,
    next,
    async until(type) {
      const events: RestEvent[] = []
      for (;;) {
        const event = await next()
        if (event === undefined) throw new Error(`the stream ended without ${type}`)
        events.push(event)
        if (event.type === type) return events
      }
    },
    close: () => reader.cancel(),
  }
}
