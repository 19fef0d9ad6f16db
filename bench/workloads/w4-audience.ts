import { measureIdleSubscribers } from '../driver/idle-subscribers.ts'
import { measureStreams } from '../driver/stream-load.ts'
import type { Target } from '../driver/target.ts'
import type { Figures, MeasureOptions, Metric, Workload } from '../workload.ts'

export const PER_SECOND = 100
const AUDIENCES = [1, 200, 1_000]

export const metricsOf = (subscribers: number): Metric[] => {
  const of = subscribers === 1 ? '1 subscriber' : `${subscribers.toLocaleString('en')} subscribers`
  return [
    { key: `p50of${subscribers}`, label: `${of}: emitted → received, p50`, unit: 'ms', better: 'lower' },
    { key: `p99of${subscribers}`, label: `${of}: emitted → received, p99`, unit: 'ms', better: 'lower' },
    {
      key: `deliveredOf${subscribers}`,
      label: `${of}: received of what was due, less when saturated`,
      unit: '%',
      better: 'higher',
    },
    {
      key: `healthOf${subscribers}`,
      label: `${of}: /healthz, the slowest answer`,
      unit: 'ms',
      better: 'lower',
    },
    {
      key: `statementsOf${subscribers}`,
      label: `${of}: statements at PostgreSQL`,
      unit: '/s',
      better: 'lower',
    },
    {
      key: `statementRowsOf${subscribers}`,
      label: `${of}: rows that those return or write`,
      unit: '/s',
      better: 'lower',
    },
  ]
}

/** Does the cost of one more subscriber depend on how many there are? */
export const audience: Workload = {
  key: 'w4',
  title: `One run of ${PER_SECOND} deltas/s with many subscribers`,
  transports: ['rest', 'trpc', 'socket'],
  metrics: [
    ...AUDIENCES.flatMap(metricsOf),
    { key: 'idleRss', label: 'memory of the API per idle subscriber, RSS', unit: 'KiB', better: 'lower' },
    { key: 'idleHeap', label: 'memory of the API per idle subscriber, heap', unit: 'KiB', better: 'lower' },
  ],

  async measure(target, options) {
    const figures = await measureAudiences(target, options, { audiences: AUDIENCES })
    const idle = await measureIdleSubscribers(target, options)
    return { ...figures, idleRss: idle.rss / 1024, idleHeap: idle.heap / 1024 }
  },
}

/** Measures them one after the other, each for half of the duration. */
export async function measureAudiences(
  target: Target,
  options: MeasureOptions,
  { audiences, ...more }: { audiences: readonly number[]; followsConversations?: boolean },
): Promise<Figures> {
  const figures: Figures = {}
  const durationMs = options.durationMs / 2
  for (const subscribers of audiences) {
    const load = { runs: 1, perSecond: PER_SECOND, subscribers, ...more }
    const measured = await measureStreams(target, load, { ...options, durationMs })
    figures[`p50of${subscribers}`] = measured.p50
    figures[`p99of${subscribers}`] = measured.p99
    figures[`deliveredOf${subscribers}`] = measured.deliveredPercent
    figures[`healthOf${subscribers}`] = measured.healthMs
    figures[`statementsOf${subscribers}`] = measured.statementsPerSecond
    figures[`statementRowsOf${subscribers}`] = measured.statementRowsPerSecond
  }
  return figures
}
