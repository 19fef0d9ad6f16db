import type { MiddlewareHandler } from 'hono'
import type { AgentRuntimeError } from '../contract/agent-runtime-error.ts'

/** Of every answer: it is for nobody but who asked, and nothing but what it says it is. */
export const ANSWER_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const

/** When it makes sense to try again, in seconds. */
const RETRY_AFTER = '1'

export const withAnswerHeaders: MiddlewareHandler = (c, next) => {
  for (const [name, value] of Object.entries(ANSWER_HEADERS)) c.header(name, value)
  return next()
}

export function headersOf(error: AgentRuntimeError): Record<string, string> {
  return error.code === 'unavailable' ? { ...ANSWER_HEADERS, 'retry-after': RETRY_AFTER } : ANSWER_HEADERS
}

/** The same for an answer that was made elsewhere. */
export function completed(response: Response): Response {
  const { headers } = response
  headers.set('x-content-type-options', ANSWER_HEADERS['x-content-type-options'])
  if (!headers.has('cache-control')) headers.set('cache-control', ANSWER_HEADERS['cache-control'])
  if (response.status === 503) headers.set('retry-after', RETRY_AFTER)
  return response
}
