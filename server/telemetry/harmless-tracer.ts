import type { Logger } from '../ports/logger.ts'
import type { Operation, Span, Tracer } from '../ports/tracer.ts'
import { noTracer } from '../ports/no-tracer.ts'
import { createAttempt } from './harmless.ts'
import { isTraceparent } from './traceparent.ts'

/** A tracer whose faults are nobody's: what it throws is logged, at most once a minute, and the work goes on without it. */
export function harmlessTracer(tracer: Tracer, log: Logger, now: () => number): Tracer {
  const attempt = createAttempt('the tracer failed: runs go on untraced', log, now)

  /** `work` is done once, whatever `around` makes of it; what it throws is its own, and goes on. */
  function around<T>(enter: (inner: () => void) => void, work: () => T): T {
    let result: { value: T } | { error: unknown } | undefined
    const inner = (): void => {
      if (result !== undefined) return
      try {
        result = { value: work() }
      } catch (error) {
        result = { error }
      }
    }
    attempt(() => enter(inner), undefined)
    inner()
    const done = result as unknown as { value: T } | { error: unknown }
    if ('error' in done) throw done.error
    return done.value
  }

  function harmless(span: Span): Span {
    const traceparent = attempt(() => span.traceparent, null)
    return {
      traceparent: isTraceparent(traceparent) ? traceparent : null,
      within: (work) => around((inner) => span.within(inner), work),
      answering: () => attempt(() => span.answering(), undefined),
      end: (outcome) => attempt(() => span.end(outcome), undefined),
    }
  }

  return {
    begin: (operation) => harmless(attempt(() => beginning(tracer, operation), noTracer.begin(operation))),
    continueFrom: (readTraceparent, work) =>
      around((inner) => tracer.continueFrom(readTraceparent, inner), work),
  }
}

function beginning(tracer: Tracer, operation: Operation): Span {
  const span: unknown = tracer.begin(operation)
  if (typeof span === 'object' && span !== null) return span as Span
  throw new TypeError('The tracer began no span.')
}
