import type { AgentRuntimeError, ErrorCode } from '../contract/agent-runtime-error.ts'
import { shortened } from '../contract/issues.ts'
import type { Logger } from '../ports/logger.ts'

const REFUSALS = new Set<ErrorCode>(['unauthorized', 'forbidden', 'rate_limited'])

type Asked = Pick<Request, 'method' | 'url'>

/** Who was turned away, and from what. */
export function logRefusal(log: Logger, error: AgentRuntimeError, request: Asked): void {
  if (!REFUSALS.has(error.code)) return
  log.info({ code: error.code, reason: error.message, request: describe(request) }, 'refused a request')
}

/** Method and path: a query may hold a token. */
export function describe({ method, url }: Asked): string {
  return shortened(`${method} ${new URL(url).pathname}`)
}
