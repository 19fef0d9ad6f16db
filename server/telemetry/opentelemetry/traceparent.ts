// W3C trace context, level 1: https://www.w3.org/TR/trace-context/#traceparent-header
import { isSpanContextValid } from '@opentelemetry/api'
import type { SpanContext } from '@opentelemetry/api'

const SPAN = /^00-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/

/** Undefined for what names no span. */
export function readTraceparent(traceparent: string | null): SpanContext | undefined {
  const [, traceId, spanId, flags] = SPAN.exec(traceparent ?? '') ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
  return isSpanContextValid(context) ? context : undefined
}

export function writeTraceparent(context: SpanContext): string | null {
  if (!isSpanContextValid(context)) return null
  const flags = (context.traceFlags & 0xff).toString(16).padStart(2, '0')
  return `00-${context.traceId}-${context.spanId}-${flags}`
}
