import type { AgentRuntimeError, ErrorCode } from '../contract/agent-runtime-error.ts'
import { shortened } from '../contract/issues.ts'
import type { Logger } from '../ports/logger.ts'

const REFUSALS = new Set<ErrorCode>(['unauthorized', 'forbidden', 'rate_limited'])

type Asked = Pick<Request, 'method' | 'url'>

/** A flood of refused requests must not become one of the log, nor leave out what others are refused. */
const MAX_LINES = 1_000
const PERIOD_MS = 1_000

/** Per log, the lines of this period, and the refusals that had none. */
const periods = new WeakMap<Logger, { lines: number; leftOut: number }>()

/** Logs who was refused, and what: at most so many lines a second, then how many were left out. */
export function logRefusal(log: Logger, error: AgentRuntimeError, request: Asked): void {
  if (!REFUSALS.has(error.code)) return
  const period = periods.get(log) ?? begin(log)
  if (period.lines === MAX_LINES) {
    period.leftOut += 1
    return
  }
  period.lines += 1
  log.info({ code: error.code, reason: error.message, request: describe(request) }, 'refused a request')
}

function begin(log: Logger) {
  const period = { lines: 0, leftOut: 0 }
  periods.set(log, period)
  setTimeout(() => {
    periods.delete(log)
    const { leftOut } = period
    if (leftOut > 0) log.warn({ leftOut }, 'refused more requests than the log has lines for')
  }, PERIOD_MS).unref()
  return period
}

/** Method and path: a query may hold a token. */
export function describe({ method, url }: Asked): string {
  return shortened(`${method} ${new URL(url).pathname}`)
}
