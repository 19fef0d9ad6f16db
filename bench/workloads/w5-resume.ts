import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../driver/connect.ts'
import { SequenceCheck } from '../driver/sequence-check.ts'
import { percentile } from '../driver/statistics.ts'
import type { Workload } from '../workload.ts'

const CLIENTS = 500
const GAP = 1_000
/** Emitted before anybody comes back, so that the gap lies in the middle of the run. */
const BACKLOG = 2_000
const PER_SECOND = 50
/** The run goes on so long after the last client is live: what comes then must come once, too. */
const AFTERWARDS_MS = 500

/** A server or a proxy went away under its streams, and all come back at the same moment. */
export const resume: Workload = {
  key: 'w5',
  title: `${CLIENTS} clients resume at once, ${GAP.toLocaleString('en')} events behind a run that goes on`,
  transports: ['rest', 'trpc'],
  metrics: [
    { key: 'allLive', label: 'until all are live', unit: 'ms', better: 'lower' },
    { key: 'liveP50', label: 'until one is live, p50', unit: 'ms', better: 'lower' },
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

      const head = witness.lastSeq
      const startedAt = performance.now()
      const clients = Array.from({ length: CLIENTS }, () => {
        const check = new SequenceCheck(head - GAP)
        const live = Promise.withResolvers<number>()
        const { ended } = client.follow({
          runId,
          afterSeq: head - GAP,
          onEvent({ seq }) {
            check.take(seq)
            if (seq >= head) live.resolve(performance.now() - startedAt)
          },
        })
        return { check, ended, live: Promise.race([live.promise, ended.then(() => NaN)]) }
      })
      const times = await Promise.all(clients.map(({ live }) => live))
      await sleep(AFTERWARDS_MS, undefined, { signal })
      await target.endStreams()
      await Promise.all([witnessing.ended, ...clients.map(({ ended }) => ended)])
      const sum = (of: (check: SequenceCheck) => number): number =>
        clients.reduce((total, { check }) => total + of(check), 0)
      return {
        allLive: Math.max(...times),
        liveP50: percentile(times, 50),
        missing: sum((check) => check.missing + Math.max(witness.lastSeq - check.lastSeq, 0)),
        double: sum((check) => check.double),
      }
    } finally {
      await target.endStreams()
    }
  },
}
