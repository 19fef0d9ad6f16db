import type { Target } from './driver/target.ts'

/** A figure a workload measures. The ratio printed beside it is always system ÷ floor. */
export interface Metric {
  key: string
  label: string
  unit: string
  better: 'higher' | 'lower'
}

export interface MeasureOptions {
  /** Of workloads that go on for a time rather than for a number of runs; without the warm-up. */
  durationMs: number
  /** Gives up: what is under way is broken off. */
  signal: AbortSignal
}

/** One way to put load on a target. Add a file in workloads/ and list it in workloads/index.ts. */
export interface Workload {
  key: string
  title: string
  metrics: readonly Metric[]
  /** Loads the target once, warm-up included. @returns a figure for each metric that could be measured. */
  measure(target: Target, options: MeasureOptions): Promise<Record<string, number>>
}
