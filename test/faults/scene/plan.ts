import type { Random } from './random.ts'
import { RUNS } from './settings.ts'

export interface RunPlan {
  agentKey: AgentKey
  params: Record<string, number>
  /** How its events are read. */
  follower: 'sdk' | 'sse' | 'none'
  /** Milliseconds after its creation at which it is cancelled, unless it is over. */
  cancelAfterMs: number | undefined
  /** Asked for at two servers at once, in a conversation of its own with this policy. */
  twice: 'interrupt' | 'reject' | undefined
}

export type AgentKey =
  | 'noop'
  | 'stream'
  | 'steps'
  | 'flaky'
  | 'deaf'
  | 'asking'
  | 'deadly'
  | 'careless'
  | 'blocking'

export interface LoadOptions {
  runs: number
  /** Under way at once. */
  inFlight: number
  weights: Record<AgentKey, number>
  /** How many of the runs are of these agents, which end or block their worker, as often as they are tried. */
  harmful: Partial<Record<AgentKey, number>>
  /** What callers ask for. Default: what the agents say. */
  maxAttempts?: number
  /** Out of all, are cancelled at some moment. */
  cancelled: number
  followers: Record<RunPlan['follower'], number>
}

/** What takes half a minute in whole and leaves the machine time for what the faults cost it. */
export const USUAL_LOAD = {
  runs: RUNS,
  inFlight: Math.min(24, Math.ceil(RUNS / 5)),
  weights: {
    noop: 10,
    stream: 36,
    steps: 34,
    flaky: 12,
    deaf: 8,
    asking: 4,
    deadly: 0,
    careless: 0,
    blocking: 0,
  },
  harmful: {},
  cancelled: 0.15,
  followers: { sdk: 1, sse: 1, none: 1 },
} as const satisfies LoadOptions

/** Of all runs, are asked for twice. */
const TWICE = 0.2

/** What the n-th run does, whatever became of the others. */
export function planRun(index: number, options: LoadOptions, seeded: Random): RunPlan {
  const random = seeded.fork(index)
  const agentKey = harmfulAt(index, options) ?? random.weighted(options.weights)
  return {
    agentKey,
    params: paramsOf(agentKey, random),
    follower: random.weighted(options.followers),
    cancelAfterMs: random.next() < options.cancelled ? random.between(0, 1_500) : undefined,
    twice: random.next() < TWICE ? random.pick(['interrupt', 'reject'] as const) : undefined,
  }
}

/** Spread over the load, for they come three times each. */
function harmfulAt(index: number, { runs, harmful }: LoadOptions): AgentKey | undefined {
  const keys = Object.keys(harmful) as AgentKey[]
  return keys.find((key, offset) => {
    const every = Math.floor(runs / Math.max(1, harmful[key] ?? 0))
    return (harmful[key] ?? 0) > 0 && index % every === (Math.floor(every / 2) + offset) % every
  })
}

function paramsOf(agentKey: AgentKey, random: Random): Record<string, number> {
  const int = (min: number, max: number): number => Math.floor(random.between(min, max + 1))
  switch (agentKey) {
    case 'noop':
    case 'asking':
    case 'deadly':
    case 'careless':
    case 'blocking':
      return {}
    case 'stream':
      return { deltas: int(10, 30), pauseMs: int(20, 100) }
    case 'steps':
      return { steps: int(2, 8), pauseMs: int(30, 300) }
    case 'flaky':
      return { failures: int(0, 4), pauseMs: int(0, 200) }
    case 'deaf':
      return { pauseMs: int(200, 2_000) }
  }
}
