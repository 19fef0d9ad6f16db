// When to connect again, as a pure state machine: no timers, no sockets, `now` and chance handed in.

import type { ReconnectPolicy } from './reconnect-policy.ts'
import { delayMs } from './reconnect-policy.ts'

export type ReconnectState =
  | { phase: 'connecting'; failures: number }
  | { phase: 'live'; failures: number; since: number }
  | { phase: 'waiting'; failures: number; until: number }
  | { phase: 'stopped'; failures: number }

export type ReconnectInput =
  | { type: 'opened' }
  /** Something new arrived, so the connection is useful. */
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
