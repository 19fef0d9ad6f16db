import type { Logger } from '../ports/logger.ts'
import type { Operation, OperationOutcome, Span, Tracer } from '../ports/tracer.ts'
import { noTracer } from '../ports/no-tracer.ts'
import { createAttempt } from './harmless.ts'
import type { Attempt } from './harmless.ts'
import { isTraceparent } from './traceparent.ts'

/** A tracer whose faults are nobody's: what it throws is logged, at most once a minute, and the work goes on without it. */
export function harmlessTracer(tracer: Tracer, log: Logger, now: () => number): Tracer {
  const attempt = createAttempt('the tracer failed: runs go on untraced', log, now)
  return {
    begin(operation) {
      const span = attempt(() => beginning(tracer, operation), undefined)
      return span === undefined ? noTracer.begin(operation) : new HarmlessSpan(span, attempt)
    },
    continueFrom: (readTraceparent, work) =>
      around(attempt, (inner) => tracer.continueFrom(readTraceparent, inner), work),
  }
}

function beginning(tracer: Tracer, operation: Operation): Span {
  const span: unknown = tracer.begin(operation)
  if (typeof span === 'object' && span !== null) return span as Span
  throw new TypeError('The tracer began no span.')
}

class HarmlessSpan implements Span {
  readonly #span: Span
  readonly #attempt: Attempt
  #traceparent: string | null | undefined

  constructor(span: Span, attempt: Attempt) {
    this.#span = span
    this.#attempt = attempt
  }

  /** Read when it is asked for: most spans are asked nothing. */
  get traceparent(): string | null {
    if (this.#traceparent !== undefined) return this.#traceparent
    const told = this.#attempt(() => this.#span.traceparent, null)
    this.#traceparent = isTraceparent(told) ? told : null
    return this.#traceparent
  }

  within<T>(work: () => T): T {
    return around(this.#attempt, (inner) => this.#span.within(inner), work)
  }

  answering(): void {
    this.#attempt(() => this.#span.answering(), undefined)
  }

  end(outcome?: OperationOutcome): void {
    this.#attempt(() => this.#span.end(outcome), undefined)
  }
}

/** `work` is done once, whatever `enter` makes of it; what it throws is its own, and goes on. */
function around<T>(attempt: Attempt, enter: (inner: () => void) => void, work: () => T): T {
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
