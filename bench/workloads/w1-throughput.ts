import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../driver/connect.ts'
import { percentile } from '../driver/statistics.ts'
import type { Target } from '../driver/target.ts'
import { timeNoopRun } from '../driver/time-run.ts'
import type { Figures, MeasureOptions, Workload } from '../workload.ts'

const CLIENTS = 64
const WARM_UP_MS = 2_000

interface ThroughputOptions extends MeasureOptions {
  /** Creates each run in a new one. */
  inConversations?: boolean
  /** Time in which the clients run before it counts. */
  warmUpMs?: number
}

export async function measureThroughput(
  target: Target,
  { durationMs, transport, signal, warmUpMs = WARM_UP_MS, inConversations = false }: ThroughputOptions,
): Promise<Figures> {
  using client = connect(target.url, { transport, signal, inConversations })
  const over = new AbortController()
  const giveUp = AbortSignal.any([signal, over.signal])
  let completed: number[] = []

  async function loop(): Promise<void> {
    try {
      while (!over.signal.aborted) completed.push((await timeNoopRun(client)).completedMs)
    } finally {
      over.abort()
    }
  }

  async function watch(): Promise<Figures> {
    try {
      await sleep(warmUpMs, undefined, { signal: giveUp })
      const before = await target.readCpuTime()
      const startedAt = performance.now()
      completed = []
      await sleep(durationMs, undefined, { signal: giveUp })
      const seconds = (performance.now() - startedAt) / 1000
      const times = completed.slice()
      const after = await target.readCpuTime()
      return {
        runsPerSecond: times.length / seconds,
        completedP50: percentile(times, 50),
        completedP99: percentile(times, 99),
        ...(before === undefined || after === undefined
          ? {}
          : {
              nodeCpu: ((after.api + after.worker - before.api - before.worker) * 1000) / times.length,
              postgresCpu: ((after.postgres - before.postgres) * 1000) / times.length,
              redisCpu: ((after.redis - before.redis) * 1000) / times.length,
            }),
      }
    } finally {
      over.abort()
    }
  }

  const [figures] = await Promise.all([watch(), ...Array.from({ length: CLIENTS }, loop)])
  return figures
}

/** Clients that each create a run, follow it to its end, and create the next. */
export const throughput: Workload = {
  key: 'w1',
  title: `No-op runs of ${CLIENTS} closed-loop clients`,
  transports: ['rest'],
  metrics: [
    { key: 'runsPerSecond', label: 'runs completed', unit: '/s', better: 'higher' },
    { key: 'completedP50', label: 'create → completion seen, p50', unit: 'ms', better: 'lower' },
    { key: 'completedP99', label: 'create → completion seen, p99', unit: 'ms', better: 'lower' },
    { key: 'nodeCpu', label: 'CPU of API and worker per run', unit: 'ms', better: 'lower' },
    { key: 'postgresCpu', label: 'CPU of PostgreSQL per run', unit: 'ms', better: 'lower' },
  ],

  measure: measureThroughput,
}
