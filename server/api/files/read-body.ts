import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import { MAX_UPLOAD_MS } from '../../domain/files.ts'

export interface BodyBounds {
  maxBytes: number
  /** How long nothing may come. */
  idleMs: number
}

/**
 * A request's body, as it is taken.
 *
 * @throws AgentRuntimeError `bad_request` when it stands still, or takes too long; `payload_too_large`.
 */
export async function* readBody(
  request: Request,
  { maxBytes, idleMs }: BodyBounds,
): AsyncGenerator<Uint8Array> {
  if (Number(request.headers.get('content-length')) > maxBytes) throw tooLarge(maxBytes)
  if (request.body === null) return
  const reader = request.body.getReader()
  const endsAt = performance.now() + MAX_UPLOAD_MS
  let bytes = 0
  try {
    for (;;) {
      const leftMs = Math.max(0, endsAt - performance.now())
      // Time counts while the client is waited for alone.
      const { done, value } = await within(Math.min(idleMs, leftMs), reader.read())
      if (done) return
      bytes += value.length
      if (bytes > maxBytes) throw tooLarge(maxBytes)
      yield value
    }
  } finally {
    // Not cancelled: a body that Node makes of a form in the same process breaks by that.
    reader.releaseLock()
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
    // Of what comes later nobody waits any more.
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
