import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'

/** Of every answer: it is for nobody but who asked, and nothing but what it says it is. */
export const ANSWER_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const

/** When it makes sense to try again after an outage, in seconds. */
const RETRY_AFTER = 1

/** When to try again, for answers of errors that pass: where more than one is told of, when all have. */
export function retryAfterOf(errors: readonly AgentRuntimeError[]): Record<string, string> {
  const seconds = errors.flatMap((error) => {
    if (error.code === 'unavailable') return [RETRY_AFTER]
    return error.code === 'rate_limited' ? (error.retryAfterSeconds ?? []) : []
  })
  // Zero is "at once", and the header knows whole seconds alone.
  return seconds.length === 0 ? {} : { 'retry-after': String(Math.max(1, ...seconds.map(Math.ceil))) }
}

/**
 * An answer of JSON. Hono's own builds a `Headers` object for more than one header, which the HTTP server then takes
 * apart again: these are written as they are.
 */
export function answerJson(body: unknown, status = 200, headers?: Record<string, string>): Response {
  return answerText(JSON.stringify(body), status, headers)
}

/** An answer of JSON that is written already. */
export function answerText(text: string, status = 200, headers?: Record<string, string>): Response {
  return new Response(text, {
    status,
    headers: { 'content-type': 'application/json', ...ANSWER_HEADERS, ...headers },
  })
}

/** @param body what is told of the error. Default: the body that REST answers. */
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
