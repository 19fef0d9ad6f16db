import type { Target } from './driver/target.ts'
import type { MeasureOptions, Workload } from './workload.ts'

/** A figure for each metric, by key. */
type Figures = Record<string, number>

export interface Round {
  floor: Figures
  system: Figures
}

interface RoundsOptions extends MeasureOptions {
  targets: { floor: Target; system: Target }
  rounds: number
  /** Called before each measurement: brings both sides to the same start. */
  settle(): Promise<unknown>
  log(message: string): void
}

/**
 * Measures floor and system by turns: what else the machine does, which changes over minutes, then
 * strikes both alike, and the ratio of a round says more than the ratio of two medians.
 */
export async function runRounds(workload: Workload, options: RoundsOptions): Promise<Round[]> {
  const { targets, rounds, settle, log, durationMs, signal } = options
  const results: Round[] = []
  for (let round = 1; round <= rounds; round++) {
    async function measure(target: Target): Promise<Figures> {
      log(`${workload.key} round ${round} of ${rounds}: ${target.name} …`)
      await settle()
      return workload.measure(target, { durationMs, signal })
    }
    const floor = await measure(targets.floor)
    results.push({ floor, system: await measure(targets.system) })
  }
  return results
}
