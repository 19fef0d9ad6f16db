import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../driver/connect.ts'
import { startHealthProbe } from '../driver/health-probe.ts'
import { drainStreams, openStreams } from '../driver/open-streams.ts'
import { SequenceCheck } from '../driver/sequence-check.ts'
import type { Workload } from '../workload.ts'

const CLIENTS = 1_000
const RUNS = 20
/** Messages of each run. They are rows of their own, so that each has a `seq`. */
const PER_SECOND = 5

/**
 * Measures whether every client has all events at the end, and not how fast. With `--duration 30` it lasts
 * half a minute.
 */
export const clients: Workload = {
  key: 'w11',
  title: `${CLIENTS.toLocaleString('en')} clients of ${RUNS} runs for a time, to their end`,
  transports: ['rest', 'trpc'],
  metrics: [
    { key: 'complete', label: 'have each event once, and the end', unit: '%', better: 'higher' },
    { key: 'events', label: 'events that they have', unit: '' },
    { key: 'health', label: '/healthz, the slowest answer', unit: 'ms', better: 'lower' },
    { key: 'rss', label: 'memory of the API at the end, RSS', unit: 'MiB', better: 'lower' },
    { key: 'heap', label: 'memory of the API at the end, heap', unit: 'MiB', better: 'lower' },
  ],

  async measure(target, { durationMs, transport, signal }) {
    await using api = await target.startApi()
    using client = connect(api.url, { transport, signal })
    await target.endStreams()
    const params = { type: 'assistant.message', atOnce: 0, perSecond: PER_SECOND } as const
    const runIds = await Promise.all(Array.from({ length: RUNS }, () => client.create(params)))
    try {
      const followed = Array.from({ length: CLIENTS }, (_, index) => runIds[index % RUNS] ?? '')
      const checks = followed.map(() => new SequenceCheck(0))
      const streams = await openStreams(client, followed, ({ seq }, index) => checks[index]?.take(seq))
      await using probe = startHealthProbe(api.url)
      await sleep(durationMs, undefined, { signal })
      const memory = await api.readMemory()
      await target.endStreams()
      const drained = await drainStreams(streams)
      // All readers of a run are told the same, so a reader with fewer events has lost some.
      const isComplete = checks.map((check, index) => {
        const stream = streams[index]
        const others = checks.filter((_, other) => other % RUNS === index % RUNS)
        const isMissing = others.some((other) => other.count > check.count)
        return stream !== undefined && drained.has(stream) && check.double === 0 && !isMissing
      })
      return {
        complete: (isComplete.filter(Boolean).length * 100) / CLIENTS,
        events: checks.reduce((sum, { count }) => sum + count, 0),
        health: await probe.stop(),
        rss: memory.rss / 1024 / 1024,
        heap: memory.heap / 1024 / 1024,
      }
    } finally {
      await target.endStreams()
    }
  },
}
