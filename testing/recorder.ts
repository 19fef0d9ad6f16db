import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'

export interface RecorderOptions {
  /** Where the recording is kept: JSON, to be committed with the test. */
  file: string
  /** Default: `replay` where the file is there, else `record`. */
  mode?: 'record' | 'replay'
  /** Texts that must not get into the file, besides the keys that requests carry. */
  secrets?: readonly string[]
}

type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

export interface Recorder {
  readonly mode: 'record' | 'replay'
  /** For a model client's option `fetch`. */
  readonly fetch: Fetch
}

const Exchange = z.object({
  request: z.object({ method: z.string(), url: z.string(), body: z.json() }),
  response: z.object({
    status: z.int(),
    headers: z.record(z.string(), z.string()),
    /** The body in the pieces in which it came: text, or bytes in base64 where a piece is none. */
    pieces: z.array(z.union([z.string(), z.object({ base64: z.string() })])),
  }),
})
type Exchange = z.infer<typeof Exchange>
const Recording = z.object({ exchanges: z.array(Exchange) })

/** Of an answer's headers, those that clients heed. Others may tell whose account it is. */
const KEPT_HEADERS = ['content-type', 'retry-after', 'retry-after-ms']
const KEY_HEADERS = ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key']
const KEY_PARAMS = ['key', 'api_key', 'api-key', 'token']
const HIDDEN = '[secret]'
const MIN_KEY_LENGTH = 12

/**
 * Keeps what a real provider answers in a file, and answers the same requests from it later: byte for byte, in the same pieces. An
 * answer is handed on when all of it is there, while it is recorded. Keys never get into the file.
 *
 * @throws Error in `replay` when there is no such file, or it is no recording.
 * @example
 * const recorder = createRecorder({ file: 'test/recordings/weather.json' })
 * const model = createOpenAIModel({ apiKey: process.env['OPENAI_API_KEY'] ?? 'none', fetch: recorder.fetch })
 */
export function createRecorder({ file, mode, secrets = [] }: RecorderOptions): Recorder {
  const chosen = mode ?? (existsSync(file) ? 'replay' : 'record')
  const hidden = secrets.filter((secret) => secret !== '')
  return { mode: chosen, fetch: chosen === 'replay' ? replay(file, hidden) : record(file, hidden) }
}

function record(file: string, secrets: readonly string[]): Fetch {
  const exchanges: Exchange[] = []
  return async (input, init) => {
    // Whoever has read enough ends the request, and the recording would end with it.
    const request = new Request(input, { ...init, signal: null })
    const asked = await describe(request.clone())
    const response = await fetch(request)
    const pieces: Uint8Array[] = []
    for await (const piece of response.body ?? []) pieces.push(piece)
    const headers = KEPT_HEADERS.flatMap((name) => {
      const value = response.headers.get(name)
      return value === null ? [] : [[name, value] as const]
    })
    const hidden = [...secrets, ...keysOf(request)]
    const told = {
      status: response.status,
      headers: Object.fromEntries(headers),
      pieces: toText(pieces, hidden),
    }
    exchanges.push(withoutSecrets({ request: asked, response: told }, hidden))
    // In one step: a process that is killed leaves no half of a file.
    writeFileSync(`${file}.new`, `${JSON.stringify({ exchanges }, null, 2)}\n`)
    renameSync(`${file}.new`, file)
    return answer({ ...told, pieces: pieces.map((piece) => ({ base64: toBase64(piece) })) })
  }
}

function replay(file: string, secrets: readonly string[]): Fetch {
  const { exchanges } = Recording.parse(JSON.parse(readFileSync(file, 'utf8')))
  const left = [...exchanges]
  return async (input, init) => {
    const request = new Request(input, init)
    init?.signal?.throwIfAborted()
    const asked = withoutSecrets(await describe(request), [...secrets, ...keysOf(request)])
    const index = left.findIndex((exchange) => isDeepStrictEqual(exchange.request, asked))
    const [found] = index === -1 ? [] : left.splice(index, 1)
    if (found !== undefined) return answer(found.response)
    const message = `${file} has no answer, or no further one, to this request. Delete it to record anew. Asked: ${JSON.stringify(asked.body)}`
    return Response.json({ error: { message, type: 'invalid_request_error' } }, { status: 400 })
  }
}

async function describe(request: Request): Promise<Exchange['request']> {
  const text = await request.text()
  const url = new URL(request.url)
  for (const name of KEY_PARAMS) if (url.searchParams.has(name)) url.searchParams.set(name, HIDDEN)
  return { method: request.method, url: url.href, body: parse(text) }
}

function parse(text: string): Exchange['request']['body'] {
  try {
    return JSON.parse(text) as Exchange['request']['body']
  } catch {
    return text
  }
}

function keysOf({ headers, url }: Request): string[] {
  const inHeaders = KEY_HEADERS.flatMap((name) => headers.get(name)?.replace(/^\w+ /, '') ?? [])
  const { searchParams } = new URL(url)
  const given = [...inHeaders, ...KEY_PARAMS.flatMap((name) => searchParams.get(name) ?? [])]
  // A word in place of a key is no secret, and may be in any text.
  return given.filter((key) => key.length >= MIN_KEY_LENGTH)
}

/** In one piece where a secret lies across two. */
function toText(pieces: readonly Uint8Array[], secrets: readonly string[]): Exchange['response']['pieces'] {
  const all = Buffer.concat(pieces).toString('utf8')
  const isHidden = (text: string) => secrets.flatMap(formsOf).some((secret) => text.includes(secret))
  const texts = pieces.map((piece) => Buffer.from(piece).toString('utf8'))
  if (isHidden(all)) return [all]
  return pieces.map((piece, index) => {
    const text = texts[index] ?? ''
    return Buffer.from(text).equals(piece) ? text : { base64: toBase64(piece) }
  })
}

function withoutSecrets<T extends object>(value: T, secrets: readonly string[]): T {
  const written = secrets.flatMap((secret) => formsOf(secret).slice(1))
  const text = written.reduce((all, secret) => all.replaceAll(secret, HIDDEN), JSON.stringify(value))
  return JSON.parse(text) as T
}

/** As it is, and as it is written within JSON, and within JSON of which that is a text. */
function formsOf(secret: string): string[] {
  const forms = [secret]
  for (const form of forms) if (forms.length < 4) forms.push(JSON.stringify(form).slice(1, -1))
  return forms
}

function answer({ status, headers, pieces }: Exchange['response']): Response {
  const queue = [...pieces]
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = queue.shift()
      if (piece === undefined) controller.close()
      else
        controller.enqueue(
          typeof piece === 'string' ? new TextEncoder().encode(piece) : fromBase64(piece.base64),
        )
    },
  })
  return new Response(body, { status, headers })
}

const fromBase64 = (text: string) => new Uint8Array(Buffer.from(text, 'base64'))
const toBase64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
