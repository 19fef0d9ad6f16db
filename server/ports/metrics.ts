/** Values by name. Names have dots, as in OpenTelemetry. */
export type Labels = Readonly<Record<string, string>>

export interface Instrument {
  /** With dots, as OpenTelemetry writes it. */
  name: string
  description: string
  /** `s` for seconds, else the thing that is counted, in braces. */
  unit: 's' | `{${string}}`
  labels: readonly string[]
}

export interface Histogram extends Instrument {
  /** Upper bounds of its buckets, in its unit. */
  buckets: readonly number[]
}

export interface Gauge extends Instrument {
  /** How to combine several processes: `sum` when each has a share, `max` when all report the same value. */
  across: 'sum' | 'max'
}

export interface Reading {
  value: number
  labels: Labels
}

/**
 * Receives measurements: `prometheus()` of `trpc-agent-runtime/prometheus`, or `openTelemetryMetrics()` of
 * `trpc-agent-runtime/opentelemetry`. Nothing waits for it, and an error that it throws has no effect.
 */
export interface Metrics {
  /** Adds to a counter. */
  add(counter: Instrument, amount: number, labels: Labels): void
  record(histogram: Histogram, value: number, labels: Labels): void
  /** Calls `read` whenever the gauge is collected, until the returned function is called. */
  observe(gauge: Gauge, read: () => readonly Reading[] | Promise<readonly Reading[]>): () => void
  /** All measurements as text, for a command's `--metrics-port`. Undefined when the adapter sends them itself. */
  exposition?: Exposition
}

/** Metrics of several processes as one text. */
export interface Exposition {
  contentType: string
  /** What this process measured, as JSON. */
  read(): Promise<unknown>
  /** Turns the readings of one or several processes into text. */
  format(read: readonly unknown[]): Promise<string>
  /**
   * Adds up the counts of ended processes into one reading. Gauges are left out: they describe a moment that is past.
   */
  sum(read: readonly unknown[]): Promise<unknown>
}
