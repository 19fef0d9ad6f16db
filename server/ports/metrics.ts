/** By name, with dots, as OpenTelemetry writes them. */
export type Labels = Readonly<Record<string, string>>

export interface Instrument {
  /** With dots, as OpenTelemetry writes it. */
  name: string
  description: string
  /** `s` for seconds, else what is counted, in braces. */
  unit: 's' | `{${string}}`
  labels: readonly string[]
}

export interface Histogram extends Instrument {
  /** Upper bounds of its buckets, in its unit. */
  buckets: readonly number[]
}

export interface Gauge extends Instrument {
  /** Of several processes: each has a share, or all tell the same. */
  across: 'sum' | 'max'
}

export interface Reading {
  value: number
  labels: Labels
}

/**
 * Where measurements go: `prometheus()` of `trpc-agent-runtime/prometheus`, or `openTelemetryMetrics()` of
 * `trpc-agent-runtime/opentelemetry`. Nothing waits for it, and what it throws changes nothing.
 */
export interface Metrics {
  /** Adds to what is counted. */
  add(counter: Instrument, amount: number, labels: Labels): void
  record(histogram: Histogram, value: number, labels: Labels): void
  /** Has `read` called whenever the gauge is collected, until the answer is called. */
  observe(gauge: Gauge, read: () => readonly Reading[] | Promise<readonly Reading[]>): () => void
  /** All of it as text, for a command's `--metrics-port`. Undefined where measurements are sent by themselves. */
  exposition?: Exposition
}

/** Metrics of several processes as one text. */
export interface Exposition {
  contentType: string
  /** What this process measured, as JSON. */
  read(): Promise<unknown>
  /** The text of what one or several processes have read. */
  format(read: readonly unknown[]): Promise<string>
  /** What processes that are over have counted, as if one had read it. What was so at a moment is left out. */
  sum(read: readonly unknown[]): Promise<unknown>
}
