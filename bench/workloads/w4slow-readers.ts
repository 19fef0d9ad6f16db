import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../driver/connect.ts'
import { DeltaSink } from '../driver/delta-sink.ts'
import { startHealthProbe } from '../driver/health-probe.ts'
import { drainStreams, openStreams } from '../driver/open-streams.ts'
import { SequenceCheck } from '../driver/sequence-check.ts'
import { percentile } from '../driver/statistics.ts'
import type { Workload } from '../workload.ts'

const FAST = 20
const SLOW = 50
/** Messages are not joined, so within seconds there are more than a connection's buffers hold. */
const LOAD = { type: 'assistant.message', atOnce: 1, perSecond: 50, paddingBytes: 16_000 } as const

/** Viewers on a stuck line, beside others of the same run. */
export const slowReaders: Workload = {
  key: 'w4slow',
  title: `One run of ${LOAD.perSecond} messages/s of ${LOAD.paddingBytes / 1000} kB, ${FAST} who read and ${SLOW} who stop reading`,
  transports: ['rest', 'trpc', 'socket'],
  metrics: [
    { key: 'p50', label: 'who read: emitted → received, p50', unit: 'ms', better: 'lower' },
    { key: 'p99', label: 'who read: emitted → received, p99', unit: 'ms', better: 'lower' },
    { key: 'delivered', label: 'who read: received of what was due', unit: '%', better: 'higher' },
    { key: 'health', label: '/healthz meanwhile, the slowest answer', unit: 'ms', better: 'lower' },
    { key: 'memory', label: 'memory of the API per reader that stopped, RSS', unit: 'KiB', better: 'lower' },
    {
      key: 'caughtUp',
      label: 'until all who stopped have it all, once they read',
      unit: 'ms',
      better: 'lower',
    },
    { key: 'missing', label: 'events missing', unit: '', better: 'lower' },
    { key: 'double', label: 'events that came twice', unit: '', better: 'lower' },
  ],

  async measure(target, { transport, durationMs, signal }) {
    // Uses a new process, since its growth is measured.
    await using api = await target.startApi()
    using client = connect(api.url, { transport, signal })
    const runId = await client.create(LOAD)
    try {
      const sink = new DeltaSink()
      const checks = Array.from({ length: FAST + SLOW }, () => new SequenceCheck(0))
      const streams = await openStreams(
        client,
        checks.map(() => runId),
        (event, index) => {
          checks[index]?.take(event.seq)
          if (index < FAST) sink.take(event)
        },
      )
      const slow = streams.slice(FAST)
      const before = await api.readMemory()
      for (const stream of slow) stream.pause()
      await using probe = startHealthProbe(api.url)
      sink.startMeasuring()
      const startedAt = performance.now()
      await sleep(durationMs, undefined, { signal })
      const latencies = sink.stopMeasuring()
      const seconds = (performance.now() - startedAt) / 1000
      const health = await probe.stop()
      const after = await api.readMemory()

      await target.endStreams()
      const resumedAt = performance.now()
      for (const stream of slow) stream.resume()
      const drained = await drainStreams(streams)
      const caughtUp = drained.size === streams.length ? performance.now() - resumedAt : NaN
      return {
        p50: percentile(latencies, 50),
        p99: percentile(latencies, 99),
        delivered: (latencies.length * 100) / (LOAD.perSecond * seconds * FAST),
        health,
        memory: (after.rss - before.rss) / SLOW / 1024,
        caughtUp,
        missing: sum(checks.map((check) => Math.max(...checks.map((other) => check.missingOf(other))))),
        double: sum(checks.map(({ double }) => double)),
      }
    } finally {
      await target.endStreams()
    }
  },
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
