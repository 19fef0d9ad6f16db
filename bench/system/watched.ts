import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { Metrics, Tracer } from '../../server/index.ts'
import { openTelemetry } from '../../server/telemetry/opentelemetry/index.ts'
import { prometheus } from '../../server/telemetry/prometheus/index.ts'

/**
 * Traces and metrics as in production, except that spans are thrown away. Nothing if the target is not
 * watched.
 */
export function watched(): { tracer?: Tracer; metrics?: Metrics } {
  if (process.env['BENCH_WATCHED'] !== '1') return {}
  const exporter = {
    export: (_spans: unknown, done: (result: { code: number }) => void) => done({ code: 0 }),
    forceFlush: async () => {},
    shutdown: async () => {},
  }
  const tracerProvider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] })
  return { tracer: openTelemetry({ tracerProvider }), metrics: prometheus() }
}
