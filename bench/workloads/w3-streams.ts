import { measureStreams } from '../driver/stream-load.ts'
import type { Workload } from '../workload.ts'

export const STREAMS = { runs: 20, perSecond: 100 }

/** The usual load of chats, many at once. */
export const streams: Workload = {
  key: 'w3',
  title: `${STREAMS.runs} runs of ${STREAMS.perSecond} deltas/s each, a subscriber each`,
  transports: ['rest', 'trpc'],
  metrics: [
    { key: 'p50', label: 'emitted → received, p50', unit: 'ms', better: 'lower' },
    { key: 'p99', label: 'emitted → received, p99', unit: 'ms', better: 'lower' },
    { key: 'delivered', label: 'received of what was due, less when saturated', unit: '%', better: 'higher' },
    { key: 'apiCpu', label: 'CPU of the API per 10,000 deltas', unit: 's', better: 'lower' },
    { key: 'workerCpu', label: 'CPU of the worker per 10,000 deltas', unit: 's', better: 'lower' },
    { key: 'postgresCpu', label: 'CPU of PostgreSQL per 10,000 deltas', unit: 's', better: 'lower' },
    { key: 'statements', label: 'statements at PostgreSQL', unit: '/s', better: 'lower' },
    { key: 'rows', label: 'rows per delta', unit: '', better: 'lower' },
    { key: 'bytes', label: 'event table and index per delta', unit: 'bytes', better: 'lower' },
  ],

  async measure(target, options) {
    const { cpu, ...figures } = await measureStreams(target, STREAMS, options)
    return {
      p50: figures.p50,
      p99: figures.p99,
      delivered: figures.deliveredPercent,
      ...(cpu === undefined ? {} : { apiCpu: cpu.api, workerCpu: cpu.worker, postgresCpu: cpu.postgres }),
      statements: figures.statementsPerSecond,
      rows: figures.rowsPerDelta,
      bytes: figures.bytesPerDelta,
    }
  },
}
