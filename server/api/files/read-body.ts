import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import { MAX_UPLOAD_MS } from '../../domain/files.ts'

export interface BodyBounds {
  maxBytes: number
  /** How long a client may send nothing, in milliseconds. */
  idleMs: number
}

/**
 * A request's body as a stream of chunks.
 *
 * @param body the same bytes, if they can be read past the request
 * @throws AgentRuntimeError `bad_request` when it stands still, or takes too long; `payload_too_large`.
 */
export async function* readBody(
  request: Request,
  { maxBytes, idleMs }: BodyBounds,
  body: AsyncIterable<Uint8Array> | undefined,
): AsyncGenerator<Uint8Array> {
  if (Number(request.headers.get('content-length')) > maxBytes) throw tooLarge(maxBytes)
  const chunks = body?.[Symbol.asyncIterator]() ?? chunksOf(request)
  const endsAt = performance.now() + MAX_UPLOAD_MS
  let bytes = 0
  try {
    for (;;) {
      const leftMs = Math.max(0, endsAt - performance.now())
      // Only the time during which the server waits for the client counts.
      const { done, value } = await within(Math.min(idleMs, leftMs), chunks.next())
      if (done === true) return
      bytes += value.length
      if (bytes > maxBytes) throw tooLarge(maxBytes)
      yield value
    }
  } finally {
    // Not awaited: a read that is under way may last until the client leaves.
    void chunks.return?.()
  }
}

function chunksOf({ body }: Request): AsyncIterator<Uint8Array, unknown> {
  const reader = body?.getReader()
  return {
    next: async () => (reader === undefined ? { done: true, value: undefined } : reader.read()),
    // The body is not cancelled, because that breaks a body that Node made from a form in the same process.
    async return() {
      reader?.releaseLock()
      return { done: true, value: undefined }
    },
  }
}

async function within<T>(ms: number, read: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new AgentRuntimeError('bad_request', STOOD_STILL)), ms)
  })
  try {
    return await Promise.race([read, late])
  } finally {
    clearTimeout(timer)
    // Nobody waits for a later read.
    read.catch(() => {})
  }
}

const STOOD_STILL = 'The request stood still for too long, or took too long altogether.'

function tooLarge(maxBytes: number): AgentRuntimeError {
  return new AgentRuntimeError(
    'payload_too_large',
    `The request is larger than the ${maxBytes} bytes allowed.`,
  )
}
