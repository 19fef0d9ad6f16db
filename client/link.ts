// When to open a lost connection again. Following runs and following conversations share it.
import type { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { ClientClock } from './clock.ts'
import { untilOnline } from './online.ts'
import type { ReconnectInput } from './reconnect.ts'
import { initialReconnectState, reconnect } from './reconnect.ts'
import type { ReconnectPolicy } from './reconnect-policy.ts'
import { throwIfAborted } from './older-runtimes.ts'

interface LinkDependencies {
  clock: ClientClock
  policy: ReconnectPolicy
  /** A random number from 0 up to, not including, 1. */
  random: () => number
}

/** How a follower's connections went so far. */
export class Link {
  readonly #dependencies: LinkDependencies
  #state = initialReconnectState
  #openedAt: number | undefined
  #hasProgressed = false

  constructor(dependencies: LinkDependencies) {
    this.#dependencies = dependencies
  }

  /** Another connection begins. */
  begin(): void {
    this.#openedAt = undefined
    this.#hasProgressed = false
  }

  opened(): void {
    this.#openedAt = this.#dependencies.clock.now()
    this.#step({ type: 'opened' })
  }

  progressed(): void {
    this.#hasProgressed = true
    this.#step({ type: 'progressed' })
  }

  /** Nothing is wrong with the server, so there is nothing to wait for. */
  overflowed(): void {
    this.#state = initialReconnectState
  }

  /** @returns whether another try may help. */
  lost(failure: AgentRuntimeError): boolean {
    const { clock, policy, random } = this.#dependencies
    const isStable = this.#openedAt !== undefined && clock.now() - this.#openedAt >= policy.stableAfterMs
    const held = this.#hasProgressed || isStable
    // The stream was allowed before, so its token has run out. There may be a new one: try once.
    const retriable = isRetriable(failure) || (held && failure.code === 'unauthorized')
    this.#step({ type: 'lost', retriable, chance: random() })
    return this.#state.phase === 'waiting'
  }

  /** Waits until it is time for another try. @throws the signal's reason when it aborts. */
  async due(signal: AbortSignal | undefined): Promise<void> {
    const { clock } = this.#dependencies
    const until = this.#state.phase === 'waiting' ? this.#state.until : 0
    const waitMs = Math.max(0, until - clock.now())
    await untilOnline((wake) => clock.sleep(waitMs, wake), signal)
    throwIfAborted(signal)
    this.#step({ type: 'due' })
  }

  #step(input: ReconnectInput): void {
    const { clock, policy } = this.#dependencies
    this.#state = reconnect(this.#state, input, { now: clock.now(), policy })
  }
}

export function isRetriable(error: AgentRuntimeError): boolean {
  return error.status >= 500 || error.code === 'rate_limited'
}
