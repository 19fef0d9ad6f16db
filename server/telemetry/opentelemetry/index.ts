// The entry `trpc-agent-runtime/opentelemetry`.
export { openTelemetryMetrics } from './metrics.ts'
export type { OpenTelemetryMetricsOptions } from './metrics.ts'
export { openTelemetry } from './tracer.ts'
export type { OpenTelemetryOptions } from './tracer.ts'
