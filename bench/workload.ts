import type { Transport } from './driver/run-client.ts'
import type { Target, TargetKind } from './driver/target.ts'

/** A metric of a workload. The ratio printed beside it is always system ÷ floor. */
export interface Metric {
  key: string
  label: string
  unit: string
  /** Left out if the metric only describes the conditions of the others. */
  better?: 'higher' | 'lower'
}

/** The value of each metric that could be measured, by key. */
export type Figures = Record<string, number>

export interface PrepareOptions {
  /** For workloads that last a time, not a number of runs. It does not include the warm-up. */
  durationMs: number
  rounds: number
  /** Aborts the work under way. */
  signal: AbortSignal
  log(message: string): void
}

export interface MeasureOptions extends Pick<PrepareOptions, 'durationMs' | 'signal'> {
  /** The floor's transport is always REST. */
  transport: Transport
  side: 'floor' | 'system'
}

/** One way to put load on a target. Add a file in workloads/ and list it in workloads/index.ts. */
export interface Workload {
  key: string
  title: string
  /** Transports over which the system is measured. */
  transports: readonly Transport[]
  metrics: readonly Metric[]
  /** What is compared with the floor. Default: `system`. */
  system?: Exclude<TargetKind, 'floor'>
  /** Each measurement gets new processes and a new database, which nothing has used, vacuumed or analysed. */
  isFresh?: boolean
  /** The floor is measured on the same target, whose worker has both sides. */
  isInProcess?: boolean
  /** Called once before the first round. */
  prepare?(target: Target, options: PrepareOptions): Promise<void>
  /** Loads the target once, including the warm-up. */
  measure(target: Target, options: MeasureOptions): Promise<Figures>
}
