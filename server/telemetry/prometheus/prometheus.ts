import { setTimeout as sleep } from 'node:timers/promises'
import type { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type {
  Exposition,
  Gauge as GaugeOf,
  Histogram as HistogramOf,
  Instrument,
  Metrics,
  Reading,
} from '../../ports/metrics.ts'
import { loadPromClient } from './load-prom-client.ts'
import { toLabelNames, toLabels, toMetricName } from './names.ts'

export interface Prometheus extends Metrics {
  exposition: Exposition
  /**
   * All that was measured in this process, in Prometheus' text format.
   *
   * @example
   * app.get('/metrics', async (_request, response) => response.type(metrics.contentType).send(await metrics.text()))
   */
  text(): Promise<string>
  /** Of {@link text}. */
  readonly contentType: string
}

export interface PrometheusOptions {
  /** Whether it tells of Node too: memory, event loop, garbage collection. Default: true. */
  node?: boolean
}

/**
 * Measures runs for Prometheus. Each call has a registry of its own, beside the global one of `prom-client`. Commands answer
 * `GET /metrics` with `--metrics-port`; a server of your own answers with `text()`.
 *
 * @throws StartupError when `prom-client` is not installed.
 *
 * @example
 * createAgentRuntime({ agents, metrics: prometheus() })
 */
export function prometheus({ node = true }: PrometheusOptions = {}): Prometheus {
  const library = loadPromClient()
  const registry = new library.Registry()
  if (node) library.collectDefaultMetrics({ register: registry })
  const counters = new Map<string, Counter>()
  const histograms = new Map<string, Histogram>()
  const gauges = new Map<string, { gauge: Gauge; reads: Set<Read> }>()

  const counterOf = (instrument: Instrument) =>
    known(
      counters,
      instrument,
      () => new library.Counter({ ...describe(instrument, '_total'), registers: [registry] }),
    )
  const histogramOf = (instrument: HistogramOf) =>
    known(
      histograms,
      instrument,
      () =>
        new library.Histogram({
          ...describe(instrument),
          buckets: [...instrument.buckets],
          registers: [registry],
        }),
    )
  const gaugeOf = (instrument: GaugeOf) =>
    known(gauges, instrument, () => createGauge(library.Gauge, instrument, registry))
  const { contentType } = registry
  const text = () => registry.metrics()

  return {
    add: (counter, amount, labels) => counterOf(counter).inc(toLabels(labels), amount),
    record: (histogram, value, labels) => histogramOf(histogram).observe(toLabels(labels), value),
    observe(instrument, read) {
      const { reads } = gaugeOf(instrument)
      reads.add(read)
      return () => void reads.delete(read)
    },
    contentType,
    text,
    exposition: {
      contentType,
      read: () => registry.getMetricsAsJSON(),
      format: (read) => library.AggregatorRegistry.aggregate(read as object[]).metrics(),
      sum: async (read) =>
        (await library.AggregatorRegistry.aggregate(read as object[]).getMetricsAsJSON()).filter(isCounted),
    },
  }
}

const isCounted = ({ type }: { type: unknown }): boolean => type === 'counter' || type === 'histogram'

/** How long a gauge may be read. */
const READ_WITHIN_MS = 1_000

async function inTime(read: Read): Promise<readonly Reading[]> {
  const late = new AbortController()
  try {
    return await Promise.race([
      read(),
      sleep(READ_WITHIN_MS, undefined, { signal: late.signal }).then(() => {
        throw new Error('A gauge could not be read in time.')
      }),
    ])
  } finally {
    late.abort()
  }
}

type GaugeClass = ReturnType<typeof loadPromClient>['Gauge']
type Read = () => readonly Reading[] | Promise<readonly Reading[]>

function createGauge(
  Gauge: GaugeClass,
  instrument: GaugeOf,
  registry: Registry,
): { gauge: Gauge; reads: Set<Read> } {
  const reads = new Set<Read>()
  const gauge = new Gauge({
    ...describe(instrument),
    aggregator: instrument.across,
    registers: [registry],
    async collect() {
      // One that can't be read, since the database is away or its pool used up, must not cost the others.
      const read = await Promise.allSettled([...reads].map((one) => inTime(one)))
      this.reset()
      // One without labels is 0 after that.
      if (instrument.labels.length === 0) this.remove()
      for (const answer of read) {
        if (answer.status === 'rejected') continue
        for (const { value, labels } of answer.value) this.set(toLabels(labels), value)
      }
    },
  })
  return { gauge, reads }
}

function describe(instrument: Instrument, suffix?: string) {
  return {
    name: toMetricName(instrument, suffix),
    help: instrument.description,
    labelNames: toLabelNames(instrument.labels),
  }
}

function known<T>(made: Map<string, T>, { name }: Instrument, make: () => T): T {
  const found = made.get(name)
  if (found !== undefined) return found
  const one = make()
  made.set(name, one)
  return one
}
