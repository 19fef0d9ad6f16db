import type { MiddlewareHandler } from 'hono'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'

/** Node's server accepts host names, such as "1.2.3.4.5", that are not valid in a URL. */
export const assertAddressed: MiddlewareHandler = (c, next) => {
  if (!URL.canParse(c.req.url))
    throw new AgentRuntimeError('bad_request', 'The header Host is not a valid host.')
  return next()
}

/** tRPC decodes the names of procedures, and reports a name that it cannot decode as an internal error. */
export function assertDecodable(url: string): void {
  const path = url.split('?', 1)[0] ?? ''
  try {
    decodeURIComponent(path)
  } catch (cause) {
    throw new AgentRuntimeError('bad_request', 'The path has a "%" that encodes nothing.', { cause })
  }
}
