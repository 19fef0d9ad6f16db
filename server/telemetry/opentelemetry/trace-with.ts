import { AsyncLocalStorage } from 'node:async_hooks'
import type * as Api from '@opentelemetry/api'
import type { Context, Link, Span as ApiSpan, Tracer as ApiTracer } from '@opentelemetry/api'
import { readError } from '../../ports/read-error.ts'
import type { Operation, Span, Tracer } from '../../ports/tracer.ts'
import { NAME } from '../names.ts'
import type { Tell, describeBegun, describeEnded } from './attributes.ts'
import { readTraceparent, writeTraceparent } from '../traceparent.ts'

/** The library, which is handed in: who configures a tracer by a setting has it loaded when the runtime starts. */
export type OpenTelemetryApi = Pick<typeof Api, 'SpanKind' | 'SpanStatusCode' | 'context' | 'trace'>

interface TraceWith {
  /** Asked for at each use: the SDK may be registered later. */
  tracer(): ApiTracer
  /** What was said, as it may be told: an error's message may have it. */
  tell: Tell
  /** What is told of an operation that begins, and that has ended. */
  begun(operation: Operation): ReturnType<typeof describeBegun>
  ended(...ended: EndedOf): ReturnType<typeof describeEnded>
}

type EndedOf = [operation: Operation, outcome: Parameters<typeof describeEnded>[1]]

/** An attempt after a wait or a retry leads back to the one before it that wrote something. */
function linksOf(operation: Operation): Link[] {
  const earlier = operation.kind === 'attempt' ? readTraceparent(operation.earlierTraceparent) : undefined
  return earlier === undefined ? [] : [{ context: earlier }]
}

/** The tracer of the runtime, by one of OpenTelemetry's. */
export function traceWith(
  { SpanKind, SpanStatusCode, context, trace }: OpenTelemetryApi,
  { tracer, tell, begun, ended }: TraceWith,
): Tracer {
  // An application that has registered no context manager still gets one trace.
  const own = new AsyncLocalStorage<Context>()

  function active(): Context {
    const known = context.active()
    return trace.getSpan(known) === undefined ? (own.getStore() ?? known) : known
  }

  const within = <T>(inside: Context, work: () => T): T => own.run(inside, () => context.with(inside, work))

  /** An attempt belongs to the trace that its run was created in, whatever wakes the worker. */
  function parentOf(operation: Operation): Context {
    if (operation.kind !== 'attempt') return active()
    const creation = readTraceparent(operation.traceparent)
    const here = active()
    return creation === undefined ? trace.deleteSpan(here) : trace.setSpanContext(here, creation)
  }

  function createSpan(operation: Operation, span: ApiSpan, parent: Context): Span {
    const startedAt = performance.now()
    const inside = trace.setSpan(parent, span)
    let isAnswering = false
    return {
      traceparent: writeTraceparent(span.spanContext()),
      within: (work) => within(inside, work),
      answering() {
        if (isAnswering) return
        isAnswering = true
        span.setAttribute(NAME.timeToFirstChunk, (performance.now() - startedAt) / 1000)
      },
      end(outcome = {}) {
        try {
          span.setAttributes(ended(operation, outcome))
          if (outcome.error === undefined) return
          const message = tell(() => readError(outcome.error).message)
          span.setStatus({ code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) })
        } finally {
          span.end()
        }
      },
    }
  }

  return {
    begin(operation) {
      const { name, kind, attributes } = begun(operation)
      const parent = parentOf(operation)
      const options = { kind: SpanKind[kind], attributes, links: linksOf(operation) }
      return createSpan(operation, tracer().startSpan(name, options, parent), parent)
    },

    continueFrom(read, work) {
      // An instrumentation of HTTP has made a span of the request, which is nearer.
      const remote = trace.getActiveSpan() === undefined ? readTraceparent(read()) : undefined
      return remote === undefined ? work() : within(trace.setSpanContext(active(), remote), work)
    },
  }
}
