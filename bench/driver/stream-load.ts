import { setTimeout as sleep } from 'node:timers/promises'
import type { MeasureOptions } from '../workload.ts'
import { connect } from './connect.ts'
import { DeltaSink } from './delta-sink.ts'
import { startHealthProbe } from './health-probe.ts'
import { drainStreams, openStreams } from './open-streams.ts'
import { percentile } from './statistics.ts'
import type { CpuTime, Target } from './target.ts'

interface StreamLoad {
  runs: number
  /** Deltas that each run emits. */
  perSecond: number
  /** Subscribers of each run. Default: 1. */
  subscribers?: number
  /** Subscribers follow the run's conversation instead of the run. The floor has none. Default: false. */
  followsConversations?: boolean
}

interface StreamFigures {
  /** Milliseconds from emitting to receiving. */
  p50: number
  p99: number
  /**
   * The percentage of due deltas that subscribers received. Much less than 100 means that the target is
   * saturated.
   */
  deliveredPercent: number
  /** The longest time in which the API answered anybody else. */
  healthMs: number
  /** CPU seconds per 10,000 emitted deltas. Undefined if the operating system does not tell. */
  cpu: CpuTime | undefined
  statementsPerSecond: number
  /** Rows that these returned or wrote. */
  statementRowsPerSecond: number
  /** Rows and bytes of the event table per emitted delta. */
  rowsPerDelta: number
  bytesPerDelta: number
}

/** The time after the last stream opened. First the target must finish the work that came in meanwhile. */
const WARM_UP_MS = 1_500

/** Measures runs that stream at a steady rate, through all their subscribers. */
export async function measureStreams(
  target: Target,
  { runs, perSecond, subscribers = 1, followsConversations = false }: StreamLoad,
  { durationMs, transport, signal }: MeasureOptions,
): Promise<StreamFigures> {
  using client = connect(target.url, { transport, signal, followsConversations })
  // Deltas that were emitted before do not count.
  await target.endStreams()
  const sink = new DeltaSink()
  const tableBefore = await target.readEventTable()
  const params = { type: 'assistant.delta', atOnce: 0, perSecond } as const
  const runIds = await Promise.all(Array.from({ length: runs }, () => client.create(params)))
  try {
    const followed = Array.from({ length: subscribers }, () => runIds).flat()
    const streams = await openStreams(client, followed, sink.take)
    await sleep(WARM_UP_MS, undefined, { signal })

    const [cpuBefore, statementsBefore] = await Promise.all([target.readCpuTime(), target.readStatements()])
    const startedAt = performance.now()
    sink.startMeasuring()
    await using probe = startHealthProbe(target.url)
    await sleep(durationMs, undefined, { signal })
    const healthMs = await probe.stop()
    const latencies = sink.stopMeasuring()
    const seconds = (performance.now() - startedAt) / 1000
    const [cpuAfter, statementsAfter] = await Promise.all([target.readCpuTime(), target.readStatements()])

    const emitted = await target.endStreams()
    await drainStreams(streams)
    const [tableAfter, rows] = await Promise.all([target.readEventTable(), target.countEvents(runIds)])
    const due = runs * perSecond * seconds
    return {
      p50: percentile(latencies, 50),
      p99: percentile(latencies, 99),
      deliveredPercent: (latencies.length * 100) / (due * subscribers),
      healthMs,
      cpu: cpuPer10k(cpuBefore, cpuAfter, due),
      statementsPerSecond: (statementsAfter.executed - statementsBefore.executed) / seconds,
      statementRowsPerSecond: (statementsAfter.rows - statementsBefore.rows) / seconds,
      rowsPerDelta: rows / emitted,
      bytesPerDelta: (tableAfter.bytes - tableBefore.bytes) / emitted,
    }
  } finally {
    await target.endStreams()
  }
}

function cpuPer10k(
  before: CpuTime | undefined,
  after: CpuTime | undefined,
  deltas: number,
): CpuTime | undefined {
  if (before === undefined || after === undefined) return undefined
  const share = (part: keyof CpuTime): number => ((after[part] - before[part]) * 10_000) / deltas
  return { api: share('api'), worker: share('worker'), postgres: share('postgres'), redis: share('redis') }
}
