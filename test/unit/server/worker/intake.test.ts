import { expect, onTestFinished, test } from 'vitest'
import type { ClaimedRun } from '../../../../server/ports/attempt.ts'
import { Intake } from '../../../../server/worker/intake.ts'
import { Peers } from '../../../../server/worker/peers.ts'
import { ManualClock, settled } from '../../../support/manual-clock.ts'
import { createSilentLogger } from '../../../support/silent-logger.ts'

const agentKeys = ['echo']
const clock = new ManualClock()
const random = () => 0.5

/** The peers of a worker that knows another one. */
function peersOfOne(signal: AbortSignal): Peers {
  const settings = { agentKeys, hasCapacity: () => true, signal }
  const one = new Peers({ bus: { publish() {} }, clock, random }, { ...settings, workerId: 'one' })
  const tellOne = { publish: ([hint]: readonly { kind: string }[]) => one.hear(hint as never) }
  const two = new Peers({ bus: tellOne, clock, random }, { ...settings, workerId: 'two' })
  void two.keepTelling()
  return one
}

test('deliveries of runs that are over delay no run behind them, beside other workers too', async () => {
  const stopping = new AbortController()
  onTestFinished(() => stopping.abort())
  const { signal } = stopping
  const peers = peersOfOne(signal)
  const offered =
    Array.from({ length: 100 }, (_, n) => `run-${n}`).find((id) => peers.rankFor(id) === 0) ?? ''
  const deliveries = [...Array.from({ length: 40 }, (_, n) => `gone-${n}`), offered, 'not offered']
  const isGone = (id: string) => id.startsWith('gone')
  const claimed: string[] = []
  const intake = new Intake(
    {
      clock,
      random,
      log: createSilentLogger(),
      queue: { findDue: async () => [] },
      store: {
        async claimRuns(_, { limit }) {
          const taken = deliveries.splice(0, limit)
          return {
            claimed: taken.filter((id) => !isGone(id)).map((id) => ({ id }) as ClaimedRun),
            unclaimed: taken.filter(isGone),
            refused: [],
            isolated: 0,
            mayHaveMore: taken.length === limit,
          }
        },
      },
    },
    {
      agentKeys,
      peers,
      pollIntervalMs: 600_000,
      lease: { workerId: 'one', ttlMs: 30_000, isolatedAgents: null },
      capacity: () => 10,
      onClaimed: ({ id }) => void claimed.push(id),
      onRefused() {},
      onIsolated() {},
      signal,
    },
  )
  void intake.run()
  await settled()
  intake.offer({ kind: 'queued', agentKey: 'echo', runs: [{ runId: offered, seq: 0 }] })
  // The clock stands still.
  for (let turn = 0; turn < 100; turn += 1) await settled()
  expect({ isAlone: peers.isAlone, claimed }).toEqual({ isAlone: false, claimed: [offered] })
})
