import type { Transport } from './driver/run-client.ts'
import type { Targets } from './driver/start-targets.ts'
import type { Target } from './driver/target.ts'
import type { Figures, PrepareOptions, Workload } from './workload.ts'

/** The floor's figures, and the system's over each of the workload's transports. */
export interface Round {
  floor: Figures
  system: Partial<Record<Transport, Figures>>
}

interface RoundsOptions extends PrepareOptions {
  targets: Targets
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

  async function measure(target: Target, transport: Transport, round: number): Promise<Figures> {
    const name = target.name === 'floor' ? 'floor' : `system over ${transport}`
    log(`${workload.key} ${round === 0 ? 'warm-up' : `round ${round} of ${rounds}`}: ${name} …`)
    await target.settle()
    const forMs = round === 0 ? Math.min(WARM_UP_MS, durationMs) : durationMs
    return workload.measure(target, { durationMs: forMs, transport, signal })
  }

  if (workload.prepare !== undefined) {
    await workload.prepare(targets.floor, options)
    await workload.prepare(targets.system, options)
  }
  const results: Round[] = []
  for (let round = 0; round <= rounds; round++) {
    const result: Round = { floor: await measure(targets.floor, 'rest', round), system: {} }
    for (const transport of workload.transports) {
      result.system[transport] = await measure(targets.system, transport, round)
    }
    if (round > 0) results.push(result)
  }
  return results
}
