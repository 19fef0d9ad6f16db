// When to connect again, as a pure state machine: no timers, no sockets, `now` and chance handed in.

export interface ReconnectPolicy {
  /** Milliseconds before the first new try; doubled by each failure. Default: 250. */
  initialDelayMs: number
  /** Upper bound of the delay, in milliseconds. Default: 15,000. */
  maxDelayMs: number
  /** Milliseconds a quiet connection must hold before earlier failures are forgotten. Default: 5,000. */
  stableAfterMs: number
  /** Failures in a row before giving up. Default: `Infinity`. */
  maxFailures: number
}

export const DEFAULT_RECONNECT_POLICY: ReconnectPolicy = {
  initialDelayMs: 250,
  maxDelayMs: 15_000,
  stableAfterMs: 5_000,
  maxFailures: Number.POSITIVE_INFINITY,
}

export type ReconnectState =
  | { phase: 'connecting'; failures: number }
  | { phase: 'live'; failures: number; since: number }
  | { phase: 'waiting'; failures: number; until: number }
  | { phase: 'stopped'; failures: number }

export type ReconnectInput =
  | { type: 'opened' }
  /** Something new arrived: the connection is worth its while. */
  | { type: 'progressed' }
  /** `chance` is a random number from 0 up to, not including, 1. */
  | { type: 'lost'; retriable: boolean; chance: number }
  | { type: 'due' }

export const initialReconnectState: ReconnectState = { phase: 'connecting', failures: 0 }

/** The state after `input`. Inputs that make no sense in a state leave it as it is. */
export function reconnect(
  state: ReconnectState,
  input: ReconnectInput,
  { now, policy }: { now: number; policy: ReconnectPolicy },
): ReconnectState {
  if (state.phase === 'stopped') return state
  switch (input.type) {
    case 'opened':
      return state.phase === 'connecting' ? { phase: 'live', failures: state.failures, since: now } : state
    case 'progressed':
      return state.phase === 'live' && state.failures > 0 ? { ...state, failures: 0 } : state
    case 'lost': {
      if (state.phase === 'waiting') return state
      // A server that accepts and hangs up at once must not be asked again without pause.
      const stable = state.phase === 'live' && now - state.since >= policy.stableAfterMs
      const failures = (stable ? 0 : state.failures) + 1
      if (!input.retriable || failures > policy.maxFailures) return { phase: 'stopped', failures }
      return { phase: 'waiting', failures, until: now + delayMs(failures, input.chance, policy) }
    }
    case 'due':
      return state.phase === 'waiting' ? { phase: 'connecting', failures: state.failures } : state
  }
}

/** Half fixed, half chance: a restarted server is not met by all of its viewers at the same moment. */
function delayMs(failures: number, chance: number, policy: ReconnectPolicy): number {
  const ceiling = Math.min(policy.maxDelayMs, policy.initialDelayMs * 2 ** (failures - 1))
  return ceiling / 2 + (ceiling / 2) * chance
}
