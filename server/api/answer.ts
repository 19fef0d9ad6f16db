import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'

/** Headers of every answer: no cache may store it, and browsers must not guess its media type. */
export const ANSWER_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const

/** Seconds after which a caller should try again after an outage. */
const RETRY_AFTER = 1

/** When to try again, for errors that pass. With several errors: when all of them have passed. */
export function retryAfterOf(errors: readonly AgentRuntimeError[]): Record<string, string> {
  const seconds = errors.flatMap((error) => {
    if (error.code === 'unavailable') return [RETRY_AFTER]
    return error.code === 'rate_limited' ? (error.retryAfterSeconds ?? []) : []
  })
  // Zero would mean "at once", and the header allows only whole seconds.
  return seconds.length === 0 ? {} : { 'retry-after': String(Math.max(1, ...seconds.map(Math.ceil))) }
}

/**
 * An answer of JSON. With more than one header, Hono's own function builds a `Headers` object, which the HTTP
 * server takes apart again. These headers are written directly.
 */
export function answerJson(body: unknown, status = 200, headers?: Record<string, string>): Response {
  return answerText(JSON.stringify(body), status, headers)
}

/** An answer of JSON that is already text. */
export function answerText(text: string, status = 200, headers?: Record<string, string>): Response {
  return new Response(text, {
    status,
    headers: { 'content-type': 'application/json', ...ANSWER_HEADERS, ...headers },
  })
}

/** @param body the body of the error. Default: that of REST. */
export function answerError(error: AgentRuntimeError, body: unknown = error.toBody()): Response {
  return answerJson(body, error.status, retryAfterOf([error]))
}

/** The same for an answer that was made elsewhere. */
export function completed(response: Response): Response {
  const { headers } = response
  headers.set('x-content-type-options', ANSWER_HEADERS['x-content-type-options'])
  if (!headers.has('cache-control')) headers.set('cache-control', ANSWER_HEADERS['cache-control'])
  if (response.status === 503 && !headers.has('retry-after')) headers.set('retry-after', String(RETRY_AFTER))
  return response
}
