import type { Random } from './random.ts'
import { RUNS } from './settings.ts'

export interface RunPlan {
  agentKey: AgentKey
  params: Record<string, number>
  /** How a caller reads its events. */
  follower: 'sdk' | 'sse' | 'none'
  /** When it is cancelled unless it is over, in milliseconds after its creation. */
  cancelAfterMs: number | undefined
  /** It is created on two servers at once, in a new conversation with this policy. */
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
  /** Runs at once. */
  inFlight: number
  weights: Record<AgentKey, number>
  /** How many of the runs have these agents, which end or block their worker at every attempt. */
  harmful: Partial<Record<AgentKey, number>>
  /** The limit that callers ask for. Default: the agents' own. */
  maxAttempts?: number
  /** The share of runs that are cancelled at some moment. */
  cancelled: number
  followers: Record<RunPlan['follower'], number>
}

/** A load that takes half a minute, and leaves the machine time for the faults. */
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

/** The share of all runs that are created twice. */
const TWICE = 0.2

/** What the n-th run does, independent of the others. */
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

/** Spread over the load, since each comes three times. */
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
