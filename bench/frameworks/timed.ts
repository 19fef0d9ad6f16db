import type { AnyAgent } from '../../server/index.ts'

/** The times of one answer. */
export interface Timing {
  /** In milliseconds of `performance.now()`. */
  startedAt: number
  ms: number
  /** CPU time that this process spent meanwhile. */
  cpuMs: number
}

export async function timed(work: () => Promise<unknown>): Promise<Timing> {
  const startedAt = performance.now()
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return { startedAt, ms: performance.now() - startedAt, cpuMs: (user + system) / 1_000 }
}

/** Reports how long runs of these agents took, from the call of an agent's `run` until it returns. */
export function timedAgents(
  agents: readonly AnyAgent[],
  onTimed: (timing: Timing) => void,
): readonly AnyAgent[] {
  return agents.map((agent) => ({
    ...agent,
    async run(ctx: never) {
      let result: unknown
      onTimed(
        await timed(async () => {
          result = await agent.run(ctx)
        }),
      )
      return result as never
    },
  }))
}
