// W3C trace context, level 1: https://www.w3.org/TR/trace-context/#traceparent-header
import type { SpanContext } from '@opentelemetry/api'

/** Version 00. Ids of zeros alone name nothing. */
const TRACEPARENT = /^00-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})$/

export const isTraceparent = (value: unknown): value is string =>
  typeof value === 'string' && TRACEPARENT.test(value)

/** Undefined for what names no span. */
export function readTraceparent(traceparent: string | null): SpanContext | undefined {
  if (traceparent === null) return undefined
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
}

/** Of ids that name nothing it is none of a span either: see {@link isTraceparent}. */
export function writeTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`
}
