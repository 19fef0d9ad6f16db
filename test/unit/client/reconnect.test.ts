import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ReconnectPolicy } from '../../../client/reconnect-policy.ts'
import { DEFAULT_RECONNECT_POLICY } from '../../../client/reconnect-policy.ts'
import type { ReconnectInput, ReconnectState } from '../../../client/reconnect.ts'
import { initialReconnectState, reconnect } from '../../../client/reconnect.ts'

const policy = DEFAULT_RECONNECT_POLICY
const lost: ReconnectInput = { type: 'lost', retriable: true, chance: 0 }

function after(...steps: [now: number, input: ReconnectInput][]): ReconnectState {
  return steps.reduce<ReconnectState>(
    (state, [now, input]) => reconnect(state, input, { now, policy }),
    initialReconnectState,
  )
}

describe('reconnecting', () => {
  it('waits longer after each failure, half of it by chance', () => {
    expect(after([0, lost])).toEqual({ phase: 'waiting', failures: 1, until: 125 })
    expect(after([0, lost], [125, { type: 'due' }], [125, lost])).toMatchObject({ until: 125 + 250 })
    expect(after([0, { ...lost, chance: 0.5 }])).toMatchObject({ until: 187.5 })
  })

  it('stops at once when another try cannot help', () => {
    expect(after([0, { type: 'lost', retriable: false, chance: 0 }])).toEqual({
      phase: 'stopped',
      failures: 1,
    })
  })

  it('forgets failures once something new arrived', () => {
    const state = after(
      [0, lost],
      [125, { type: 'due' }],
      [130, { type: 'opened' }],
      [131, { type: 'progressed' }],
    )
    expect(state).toMatchObject({ phase: 'live', failures: 0 })
  })

  it('forgets failures of a connection that was quiet but held', () => {
    const before: [number, ReconnectInput][] = [
      [0, lost],
      [125, { type: 'due' }],
      [130, { type: 'opened' }],
    ]
    expect(after(...before, [130 + policy.stableAfterMs, lost])).toMatchObject({ failures: 1 })
    expect(after(...before, [130 + policy.stableAfterMs - 1, lost])).toMatchObject({ failures: 2 })
  })

  it('gives up after as many failures as the policy allows', () => {
    const impatient: ReconnectPolicy = { ...policy, maxFailures: 1 }
    const once = reconnect(initialReconnectState, lost, { now: 0, policy: impatient })
    const again = reconnect(once, { type: 'due' }, { now: 200, policy: impatient })
    expect(once.phase).toBe('waiting')
    expect(reconnect(again, lost, { now: 200, policy: impatient }).phase).toBe('stopped')
  })

  const inputs = fc.oneof(
    fc.constant<ReconnectInput>({ type: 'opened' }),
    fc.constant<ReconnectInput>({ type: 'progressed' }),
    fc.constant<ReconnectInput>({ type: 'due' }),
    fc.record<ReconnectInput & { type: 'lost' }>({
      type: fc.constant('lost'),
      retriable: fc.boolean(),
      chance: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    }),
  )
  const histories = fc.array(fc.tuple(fc.nat(20_000), inputs), { maxLength: 60 })

  /** Every change of state during a history. */
  function changes(history: [passed: number, input: ReconnectInput][]) {
    let now = 0
    let state: ReconnectState = initialReconnectState
    return history.flatMap(([passed, input]) => {
      now += passed
      const from = state
      state = reconnect(from, input, { now, policy })
      return state === from ? [] : [{ now, from, input, to: state }]
    })
  }

  it('always waits some time, but never longer than its bound', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const waits = changes(history).flatMap(({ now, to }) =>
          to.phase === 'waiting' ? [to.until - now] : [],
        )
        const isWithin = (wait: number) => wait >= policy.initialDelayMs / 2 && wait <= policy.maxDelayMs
        expect(waits.every(isWithin)).toBe(true)
      }),
    )
  })

  it('connects again only after a wait, and stops for good only after a failure that cannot be retried', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const all = changes(history)
        const into = (phase: ReconnectState['phase']) => all.filter(({ to }) => to.phase === phase)
        expect(into('connecting').every(({ from }) => from.phase === 'waiting')).toBe(true)
        expect(into('stopped').every(({ input }) => input.type === 'lost' && !input.retriable)).toBe(true)
        expect(all.every(({ from }) => from.phase !== 'stopped')).toBe(true)
      }),
    )
  })

  it('does not hammer a server that accepts and hangs up', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 20 }),
        (chances) => {
          let now = 0
          let state: ReconnectState = initialReconnectState
          let waited = 0
          for (const chance of chances) {
            state = reconnect(state, { type: 'opened' }, { now, policy })
            state = reconnect(state, { type: 'lost', retriable: true, chance }, { now, policy })
            if (state.phase !== 'waiting') throw new Error('a retriable loss waits')
            waited += state.until - now
            now = state.until
            state = reconnect(state, { type: 'due' }, { now, policy })
          }
          expect(waited / chances.length).toBeGreaterThan(policy.maxDelayMs / 4)
        },
      ),
    )
  })
})
