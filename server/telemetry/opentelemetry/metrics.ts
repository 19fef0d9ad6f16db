import { metrics } from '@opentelemetry/api'
import type { Counter, Histogram, Meter, ObservableGauge, ObservableResult } from '@opentelemetry/api'
import type { Instrument, Labels, Metrics } from '../../ports/metrics.ts'

export interface OpenTelemetryMetricsOptions {
  /** Default: the one that is registered with `@opentelemetry/api`. */
  meterProvider?: { getMeter(name: string): unknown }
}

/**
 * Measures runs by OpenTelemetry, through `@opentelemetry/api` alone. The SDK has to be registered before the runtime is made.
 *
 * @example
 * createAgentRuntime({ agents, tracer: openTelemetry(), metrics: openTelemetryMetrics() })
 */
export function openTelemetryMetrics({ meterProvider }: OpenTelemetryMetricsOptions = {}): Metrics {
  const meter = (meterProvider ?? metrics).getMeter('trpc-agent-runtime') as Meter
  const counters = new Map<string, Counter>()
  const histograms = new Map<string, Histogram>()
  const gauges = new Map<string, ObservableGauge>()

  return {
    add(counter, amount, labels) {
      known(counters, counter, (options) => meter.createCounter(counter.name, options)).add(
        amount,
        told(labels),
      )
    },
    record(histogram, value, labels) {
      const made = known(histograms, histogram, (options) =>
        meter.createHistogram(histogram.name, {
          ...options,
          advice: { explicitBucketBoundaries: [...histogram.buckets] },
        }),
      )
      made.record(value, told(labels))
    },
    observe(gauge, read) {
      const made = known(gauges, gauge, (options) => meter.createObservableGauge(gauge.name, options))
      const report = async (result: ObservableResult): Promise<void> => {
        for (const { value, labels } of await read()) result.observe(value, told(labels))
      }
      made.addCallback(report)
      return () => made.removeCallback(report)
    },
  }
}

/** An attribute without a value is left out here. */
function told(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''))
}

function known<T>(
  made: Map<string, T>,
  { name, unit, description }: Instrument,
  make: (options: { unit: string; description: string }) => T,
): T {
  const found = made.get(name)
  if (found !== undefined) return found
  const one = make({ unit, description })
  made.set(name, one)
  return one
}
