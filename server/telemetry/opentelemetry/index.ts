// The entry `trpc-agent-runtime/opentelemetry`.
export { openTelemetry } from './tracer.ts'
export type { OpenTelemetryOptions } from './tracer.ts'
