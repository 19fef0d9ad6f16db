import type { AgentRuntimeError, ErrorCode } from '../contract/agent-runtime-error.ts'
import { shortened } from '../contract/issues.ts'
import type { Logger } from '../ports/logger.ts'

const REFUSALS = new Set<ErrorCode>(['unauthorized', 'forbidden', 'rate_limited'])

type Asked = Pick<Request, 'method' | 'url'>

/** A caller who floods a server with refused requests must not flood its log. */
const MAX_LINES = 100
const PERIOD_MS = 1_000

interface Period {
  startedAt: number
  lines: number
  leftOut: number
}
const periods = new WeakMap<Logger, Period>()

/**
 * Logs who was refused, and what. There are at most so many lines a second; the next line says how many were
 * left out.
 */
export function logRefusal(log: Logger, error: AgentRuntimeError, request: Asked): void {
  if (!REFUSALS.has(error.code)) return
  const now = performance.now()
  let period = periods.get(log)
  if (period === undefined || now - period.startedAt >= PERIOD_MS) {
    period = { startedAt: now, lines: 0, leftOut: period?.leftOut ?? 0 }
    periods.set(log, period)
  }
  if (period.lines === MAX_LINES) {
    period.leftOut += 1
    return
  }
  period.lines += 1
  const { leftOut } = period
  period.leftOut = 0
  log.info(
    {
      code: error.code,
      reason: error.message,
      request: describe(request),
      ...(leftOut > 0 && { leftOut }),
    },
    'refused a request',
  )
}

/** Method and path: a query may hold a token. */
export function describe({ method, url }: Asked): string {
  return shortened(`${method} ${new URL(url).pathname}`)
}
