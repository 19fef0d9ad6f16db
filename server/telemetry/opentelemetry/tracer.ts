import { SpanStatusCode, context, trace } from '@opentelemetry/api'
import type { Context, Span as ApiSpan, Tracer as ApiTracer } from '@opentelemetry/api'
import type { Json } from '../../contract/json.ts'
import { readError } from '../../ports/read-error.ts'
import type { Operation, Span, Tracer } from '../../ports/tracer.ts'
import { createTell, describeBegun, describeEnded } from './attributes.ts'
import { NAME } from '../names.ts'
import { readTraceparent, writeTraceparent } from './traceparent.ts'

export interface OpenTelemetryOptions {
  /**
   * Whether what was said is told too: messages, arguments and results of tools, answers. Default: false, since traces
   * are kept elsewhere, for others to read.
   */
  content?: boolean
  /**
   * Makes what is told of what was said fit to leave: it is called with each value before it becomes an attribute.
   * `undefined` leaves the attribute out, and where it throws the attribute says so. Default: as it is.
   *
   * @example
   * mask: (value) => JSON.parse(JSON.stringify(value).replaceAll(/\d{16}/g, '****'))
   */
  mask?: (value: Json) => unknown
  /** Default: the one that is registered with `@opentelemetry/api`. */
  tracerProvider?: { getTracer(name: string): unknown }
}

/**
 * Traces runs by OpenTelemetry: one trace a run, over all processes that have a part in it, from the request that created
 * it to its models and tools, by the semantic conventions for generative AI. It uses `@opentelemetry/api` alone: which
 * SDK is behind it, and where spans go, is the application's to say, before the runtime starts.
 *
 * @example
 * createAgentRuntime({ agents, tracer: openTelemetry() })
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Tracer {
  const { content = false, mask = (value) => value, tracerProvider } = options
  const tell = createTell({ content, mask })
  // Asked for at each use: the SDK may be registered after this.
  const tracer = () => (tracerProvider ?? trace).getTracer('trpc-agent-runtime') as ApiTracer

  return {
    begin(operation) {
      const { name, kind, attributes } = describeBegun(operation, tell)
      const parent = parentOf(operation)
      const span = tracer().startSpan(name, { kind, attributes }, parent)
      return createSpan(operation, { span, parent, tell })
    },

    continueFrom(read, work) {
      // An instrumentation of HTTP has made a span of the request, which is nearer.
      const remote = trace.getActiveSpan() === undefined ? readTraceparent(read()) : undefined
      if (remote === undefined) return work()
      return context.with(trace.setSpanContext(context.active(), remote), work)
    },
  }
}

/** An attempt belongs to the trace that its run was created in, whatever wakes the worker. */
function parentOf(operation: Operation): Context {
  const active = context.active()
  if (operation.kind !== 'attempt') return active
  const creation = readTraceparent(operation.traceparent)
  return creation === undefined ? trace.deleteSpan(active) : trace.setSpanContext(active, creation)
}

function createSpan(
  operation: Operation,
  { span, parent, tell }: { span: ApiSpan; parent: Context; tell: Parameters<typeof describeEnded>[2] },
): Span {
  const startedAt = performance.now()
  const inside = trace.setSpan(parent, span)
  let isAnswering = false
  return {
    traceparent: writeTraceparent(span.spanContext()),
    within: (work) => context.with(inside, work),
    answering() {
      if (isAnswering) return
      isAnswering = true
      span.setAttribute(NAME.timeToFirstChunk, (performance.now() - startedAt) / 1000)
    },
    end(outcome = {}) {
      try {
        span.setAttributes(describeEnded(operation, outcome, tell))
        if (outcome.error === undefined) return
        const { message } = readError(outcome.error)
        span.setStatus({ code: SpanStatusCode.ERROR, message })
      } finally {
        span.end()
      }
    },
  }
}
