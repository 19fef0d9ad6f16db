import type { Transport } from './driver/run-client.ts'
import type { Targets } from './driver/targets.ts'
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
 * be empty, with plans to match, which autovacuum puts an end to within a minute. A workload that measures
 * just that has none.
 */
export async function runRounds(workload: Workload, options: RoundsOptions): Promise<Round[]> {
  const { targets, rounds, log, durationMs, signal } = options
  const { system: systemKind = 'system', isFresh = false, isInProcess = false } = workload
  const floorKind = isInProcess ? systemKind : 'floor'

  async function measure(side: 'floor' | 'system', transport: Transport, round: number): Promise<Figures> {
    const kind = side === 'floor' ? floorKind : systemKind
    const name = side === 'floor' ? side : isInProcess ? kind : `${kind} over ${transport}`
    log(`${workload.key} ${round === 0 ? 'warm-up' : `round ${round} of ${rounds}`}: ${name} …`)
    if (isFresh) {
      await using target = await targets.start(kind)
      return await workload.measure(target, { durationMs, transport, side, signal })
    }
    const target = await targets.share(kind)
    await target.settle()
    const forMs = round === 0 ? Math.min(WARM_UP_MS, durationMs) : durationMs
    return workload.measure(target, { durationMs: forMs, transport, side, signal })
  }

  if (workload.prepare !== undefined) {
    await workload.prepare(await targets.share(floorKind), options)
    await workload.prepare(await targets.share(systemKind), options)
  }
  const results: Round[] = []
  for (let round = isFresh ? 1 : 0; round <= rounds; round++) {
    const result: Round = { floor: await measure('floor', 'rest', round), system: {} }
    for (const transport of workload.transports) {
      result.system[transport] = await measure('system', transport, round)
    }
    if (round > 0) results.push(result)
  }
  return results
}
