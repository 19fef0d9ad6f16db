import { measureStreams } from '../driver/stream-load.ts'
import type { Workload } from '../workload.ts'

const LOAD = { runs: 200, perSecond: 10 }

/** The deltas of W3, from ten times as many runs. */
export const manyRuns: Workload = {
  key: 'w6',
  title: `${LOAD.runs} runs of ${LOAD.perSecond} deltas/s each, a subscriber each`,
  transports: ['rest'],
  metrics: [
    { key: 'p50', label: 'emitted → received, p50', unit: 'ms', better: 'lower' },
    { key: 'p99', label: 'emitted → received, p99', unit: 'ms', better: 'lower' },
    { key: 'delivered', label: 'received of what was due, less when saturated', unit: '%', better: 'higher' },
    { key: 'statements', label: 'statements at PostgreSQL', unit: '/s', better: 'lower' },
  ],

  async measure(target, options) {
    const { p50, p99, deliveredPercent, statementsPerSecond } = await measureStreams(target, LOAD, options)
    return { p50, p99, delivered: deliveredPercent, statements: statementsPerSecond }
  },
}
