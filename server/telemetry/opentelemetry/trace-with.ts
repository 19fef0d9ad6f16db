import { AsyncLocalStorage } from 'node:async_hooks'
import type * as Api from '@opentelemetry/api'
import type { Context, Link, Span as ApiSpan, Tracer as ApiTracer } from '@opentelemetry/api'
import { readError } from '../../ports/read-error.ts'
import type { Operation, OperationOutcome, Span, Tracer } from '../../ports/tracer.ts'
import { NAME } from '../names.ts'
import type { Tell, describeBegun, describeEnded, describeGiven } from './attributes.ts'
import { readTraceparent, writeTraceparent } from '../traceparent.ts'

/** The library, which is handed in: who configures a tracer by a setting has it loaded when the runtime starts. */
export type OpenTelemetryApi = Pick<typeof Api, 'SpanKind' | 'SpanStatusCode' | 'context' | 'trace'>

interface TraceWith {
  /** Asked for once, at the first use. */
  tracer(): ApiTracer
  /** What was said, as it may be told: an error's message may have it. */
  tell: Tell
  /** What is told of an operation that begins, of what it was given, and that has ended. */
  begun(operation: Operation): ReturnType<typeof describeBegun>
  given(operation: Operation): ReturnType<typeof describeGiven>
  ended(operation: Operation, outcome: OperationOutcome): ReturnType<typeof describeEnded>
}

/**
 * An attempt after a wait or a retry leads back to the one before it that wrote something. The number tells which that
 * was: the span of one whose process was killed is never sent.
 */
function linksOf(operation: Operation): Link[] {
  if (operation.kind !== 'attempt') return []
  const { earlierTraceparent, earlierAttempt } = operation
  const earlier = readTraceparent(earlierTraceparent)
  if (earlier === undefined) return []
  return [{ context: earlier, attributes: earlierAttempt === null ? {} : { [NAME.attempt]: earlierAttempt } }]
}

/** The tracer of the runtime, by one of OpenTelemetry's. */
export function traceWith(
  { SpanKind, SpanStatusCode, context, trace }: OpenTelemetryApi,
  { tracer, tell, begun, given, ended }: TraceWith,
): Tracer {
  // An application that has registered no context manager still gets one trace.
  const own = new AsyncLocalStorage<Context>()
  let apiTracer: ApiTracer | undefined

  function active(): Context {
    const known = context.active()
    return trace.getSpan(known) === undefined ? (own.getStore() ?? known) : known
  }

  const within = <T>(inside: Context, work: () => T): T =>
    // Where a manager keeps the context, once is enough.
    context.with(inside, () => (context.active() === inside ? work() : own.run(inside, work)))

  /** An attempt belongs to the trace that its run was created in, whatever wakes the worker. */
  function parentOf(operation: Operation): Context {
    if (operation.kind !== 'attempt') return active()
    const creation = readTraceparent(operation.traceparent)
    const here = active()
    return creation === undefined ? trace.deleteSpan(here) : trace.setSpanContext(here, creation)
  }

  function endSpan(span: ApiSpan, operation: Operation, outcome: OperationOutcome): void {
    try {
      if (!span.isRecording()) return
      span.setAttributes(ended(operation, outcome))
      if (outcome.error === undefined) return
      const message = tell(() => readError(outcome.error).message)
      span.setStatus({ code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) })
    } finally {
      span.end()
    }
  }

  return {
    begin(operation) {
      const { name, kind, attributes } = begun(operation)
      const parent = parentOf(operation)
      const options = { kind: SpanKind[kind], attributes, links: linksOf(operation) }
      const span = (apiTracer ??= tracer()).startSpan(name, options, parent)
      if (span.isRecording()) span.setAttributes(given(operation))
      const inside = trace.setSpan(parent, span)
      return new TracedSpan(span, {
        within: (work) => within(inside, work),
        end: (outcome) => endSpan(span, operation, outcome),
      })
    },

    continueFrom(read, work) {
      // An instrumentation of HTTP has made a span of the request, which is nearer.
      const remote = trace.getActiveSpan() === undefined ? readTraceparent(read()) : undefined
      return remote === undefined ? work() : within(trace.setSpanContext(active(), remote), work)
    },
  }
}

interface Ways {
  within: Span['within']
  end(outcome: OperationOutcome): void
}

class TracedSpan implements Span {
  readonly #span: ApiSpan
  readonly #ways: Ways
  readonly #startedAt = performance.now()
  #isAnswering = false

  constructor(span: ApiSpan, ways: Ways) {
    this.#span = span
    this.#ways = ways
  }

  get traceparent(): string {
    return writeTraceparent(this.#span.spanContext())
  }

  within<T>(work: () => T): T {
    return this.#ways.within(work)
  }

  answering(): void {
    if (this.#isAnswering) return
    this.#isAnswering = true
    this.#span.setAttribute(NAME.timeToFirstChunk, (performance.now() - this.#startedAt) / 1000)
  }

  end(outcome: OperationOutcome = {}): void {
    this.#ways.end(outcome)
  }
}
