import type { Transport } from './driver/run-client.ts'
import type { Targets } from './driver/targets.ts'
import type { Figures, PrepareOptions, Workload } from './workload.ts'

/** The results of the floor, and of the system over each of the workload's transports. */
export interface Round {
  floor: Figures
  system: Partial<Record<Transport, Figures>>
}

interface RoundsOptions extends PrepareOptions {
  targets: Targets
}

const WARM_UP_MS = 2_000

/**
 * Measures floor and system by turns. Other work on the machine changes over minutes, so it affects both
 * alike; the ratio within a round says more than the ratio of two medians.
 *
 * A first round does not count. It would run on tables that PostgreSQL believes to be empty, with plans to
 * match, until autovacuum analyses them within a minute. A workload that measures just that has no such
 * round.
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
