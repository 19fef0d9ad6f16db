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
  log(message: string): void
}

const WARM_UP_MS = 2_000

/**
 * Measures floor and system by turns: what else the machine does, which changes over minutes, then
 * strikes both alike, and the ratio of a round says more than the ratio of two medians.
 *
 * A round before the first does not count. Without it the first would run on tables PostgreSQL believes to
 * be empty, with plans to match, which autovacuum puts an end to within a minute.
 */
export async function runRounds(workload: Workload, options: RoundsOptions): Promise<Round[]> {
  const { targets, rounds, log, durationMs, signal } = options

  async function measure(target: Target, round: number): Promise<Figures> {
    log(`${workload.key} ${round === 0 ? 'warm-up' : `round ${round} of ${rounds}`}: ${target.name} …`)
    await target.settle()
    const forMs = round === 0 ? Math.min(WARM_UP_MS, durationMs) : durationMs
    return workload.measure(target, { durationMs: forMs, signal })
  }

  const results: Round[] = []
  for (let round = 0; round <= rounds; round++) {
    const floor = await measure(targets.floor, round)
    const system = await measure(targets.system, round)
    if (round > 0) results.push({ floor, system })
  }
  return results
}
