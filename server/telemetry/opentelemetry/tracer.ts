import * as api from '@opentelemetry/api'
import type { ProxyTracerProvider, Tracer as ApiTracer } from '@opentelemetry/api'
import type { Json } from '../../contract/json.ts'
import type { Tracer } from '../../ports/tracer.ts'
import { createTell, describeBegun, describeEnded, describeGiven } from './attributes.ts'
import { traceWith } from './trace-with.ts'

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
  const { content = false, mask = (value) => value, tracerProvider = api.trace } = options
  const tell = createTell({ content, mask })
  const tracer = traceWith(api, {
    tracer: () => tracerProvider.getTracer('trpc-agent-runtime') as ApiTracer,
    tell,
    begun: describeBegun,
    given: (operation) => describeGiven(operation, tell),
    ended: (operation, outcome) => describeEnded(operation, outcome, tell),
  })
  // The SDK is the application's to shut down: it may still trace what is not of the runtime.
  return { ...tracer, stop: () => flush(options.tracerProvider ?? api.trace.getTracerProvider()) }
}

/** The API knows no flush: it is the SDK's, below the proxy that is registered in its place. */
async function flush(provider: object): Promise<void> {
  const sdk: unknown = 'getDelegate' in provider ? (provider as ProxyTracerProvider).getDelegate() : provider
  const { forceFlush } = Object(sdk) as { forceFlush?: () => Promise<void> }
  await forceFlush?.call(sdk)
}
