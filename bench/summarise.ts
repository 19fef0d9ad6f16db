import type { Transport } from './driver/run-client.ts'
import { median } from './driver/statistics.ts'
import type { Round } from './run-rounds.ts'
import type { Metric, Workload } from './workload.ts'

export interface WorkloadResult {
  workload: Workload
  rounds: readonly Round[]
}

export interface Comparison {
  value: number
  /** The median of the rounds' ratios system ÷ floor, and their extremes. */
  ratio: { median: number; min: number; max: number }
}

export interface Summary extends Metric {
  floor: number
  system: Partial<Record<Transport, Comparison>>
}

/** Medians over the rounds. A metric is left out if it could not be measured everywhere. */
export function summarise({ workload, rounds }: WorkloadResult): Summary[] {
  return workload.metrics.flatMap((metric) => {
    const floors = figuresOf(rounds.map(({ floor }) => floor[metric.key]))
    if (floors === undefined) return []
    const system: Summary['system'] = {}
    for (const transport of workload.transports) {
      const values = figuresOf(rounds.map((round) => round.system[transport]?.[metric.key]))
      if (values === undefined) return []
      const ratios = values.map((value, index) => value / (floors[index] ?? NaN))
      system[transport] = {
        value: median(values),
        ratio: { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) },
      }
    }
    return { ...metric, floor: median(floors), system }
  })
}

/** Undefined if one of them is. */
function figuresOf(values: readonly (number | undefined)[]): number[] | undefined {
  const figures = values.filter((value) => value !== undefined)
  return figures.length === values.length ? figures : undefined
}
