import type { Transport } from './driver/run-client.ts'
import type { Target, TargetKind } from './driver/target.ts'

/** A figure a workload measures. The ratio printed beside it is always system ÷ floor. */
export interface Metric {
  key: string
  label: string
  unit: string
  /** Left out where a figure only says under what circumstances the others hold. */
  better?: 'higher' | 'lower'
}

/** A figure for each metric that could be measured, by key. */
export type Figures = Record<string, number>

export interface PrepareOptions {
  /** Of workloads that go on for a time rather than for a number of runs; without the warm-up. */
  durationMs: number
  rounds: number
  /** Gives up: what is under way is broken off. */
  signal: AbortSignal
  log(message: string): void
}

export interface MeasureOptions extends Pick<PrepareOptions, 'durationMs' | 'signal'> {
  /** The floor's is always REST. */
  transport: Transport
  side: 'floor' | 'system'
}

/** One way to put load on a target. Add a file in workloads/ and list it in workloads/index.ts. */
export interface Workload {
  key: string
  title: string
  /** Over which the system is measured. */
  transports: readonly Transport[]
  metrics: readonly Metric[]
  /** What is measured beside the floor. Default: `system`. */
  system?: Exclude<TargetKind, 'floor'>
  /** Each measurement has processes and a database of its own, which nothing has used, vacuumed or analysed. */
  isFresh?: boolean
  /** The floor is measured on the same target, whose worker has both sides. */
  isInProcess?: boolean
  /** Called once before the first round. */
  prepare?(target: Target, options: PrepareOptions): Promise<void>
  /** Loads the target once, warm-up included. */
  measure(target: Target, options: MeasureOptions): Promise<Figures>
}
