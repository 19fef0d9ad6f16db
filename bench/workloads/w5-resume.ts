import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../driver/connect.ts'
import { startHealthProbe } from '../driver/health-probe.ts'
import { drainStreams } from '../driver/open-streams.ts'
import type { RunStream } from '../driver/run-client.ts'
import { SequenceCheck } from '../driver/sequence-check.ts'
import { percentile } from '../driver/statistics.ts'
import { within } from '../driver/within.ts'
import type { Workload } from '../workload.ts'

const CLIENTS = 500
const GAP = 1_000
/** Deltas before anybody comes back, so that the gap is in the middle of the run. */
const BACKLOG = 2_000
const PER_SECOND = 50
const LIVE_TIMEOUT_MS = 20_000
/** How long the run goes on after the last client is live. Those events must come once, too. */
const AFTERWARDS_MS = 500

/** A server or a proxy went away with its streams, and all clients come back at the same moment. */
export const resume: Workload = {
  key: 'w5',
  title: `${CLIENTS} clients resume at once, ${GAP.toLocaleString('en')} events behind a run that goes on`,
  transports: ['rest', 'trpc', 'socket'],
  metrics: [
    { key: 'allLive', label: 'until all are live', unit: 'ms', better: 'lower' },
    { key: 'liveP50', label: 'until one is live, p50', unit: 'ms', better: 'lower' },
    {
      key: 'late',
      label: `not live within ${LIVE_TIMEOUT_MS / 1000} s`,
      unit: 'clients',
      better: 'lower',
    },
    { key: 'health', label: '/healthz until then, the slowest answer', unit: 'ms', better: 'lower' },
    { key: 'missing', label: 'events missing', unit: '', better: 'lower' },
    { key: 'double', label: 'events that came twice', unit: '', better: 'lower' },
  ],

  async measure(target, { transport, signal }) {
    using client = connect(target.url, { transport, signal })
    const runId = await client.create({ type: 'assistant.message', atOnce: BACKLOG, perSecond: PER_SECOND })
    try {
      const caughtUp = Promise.withResolvers<void>()
      const witness = new SequenceCheck(0)
      const witnessing = client.follow({
        runId,
        onEvent({ seq }) {
          witness.take(seq)
          if (seq >= BACKLOG) caughtUp.resolve()
        },
      })
      await Promise.race([caughtUp.promise, witnessing.ended])

      await using probe = startHealthProbe(target.url)
      const head = witness.lastSeq
      const startedAt = performance.now()
      const times: number[] = []
      const allLive = Promise.withResolvers<void>()
      const clients = Array.from({ length: CLIENTS }, () => {
        const check = new SequenceCheck(head - GAP)
        const stream = client.follow({
          runId,
          afterSeq: head - GAP,
          onEvent({ seq }) {
            const isLive = check.lastSeq < head && seq >= head
            check.take(seq)
            if (isLive && times.push(performance.now() - startedAt) === CLIENTS) allLive.resolve()
          },
        })
        return { check, stream }
      })
      const all = clients.map(({ stream }) => stream)
      await within(LIVE_TIMEOUT_MS, Promise.race([allLive.promise, ...all.map(({ ended }) => ended)]))
      const health = await probe.stop()
      const liveTimes = times.slice()

      await sleep(AFTERWARDS_MS, undefined, { signal })
      await target.endStreams()
      const drained = await drainStreams([witnessing, ...all])
      // A reader that was cut off has only the events that it received.
      const isComplete = (stream: RunStream) => drained.has(stream) && drained.has(witnessing)
      const missing = clients.map(({ check, stream }) =>
        check.missingOf(witness, isComplete(stream) ? Infinity : check.lastSeq),
      )
      return {
        allLive: liveTimes.length === CLIENTS ? Math.max(...liveTimes) : NaN,
        liveP50: percentile(liveTimes, 50),
        health,
        late: CLIENTS - liveTimes.length,
        missing: sum(missing),
        double: sum(clients.map(({ check }) => check.double)),
      }
    } finally {
      await target.endStreams()
    }
  },
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
