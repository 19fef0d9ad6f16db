import { connect } from '../driver/connect.ts'
import { percentile } from '../driver/statistics.ts'
import type { Target } from '../driver/target.ts'
import { timeNoopRun } from '../driver/time-run.ts'
import type { Figures, MeasureOptions, Workload } from '../workload.ts'

const RUNS = 200
const WARM_UP_RUNS = 50

interface LatencyOptions extends MeasureOptions {
  /** Creates each run in a new one. */
  inConversations?: boolean
  /** The pause before each run. */
  pause?: () => Promise<void>
}

export async function measureLatency(
  target: Target,
  { transport, signal, pause, inConversations = false }: LatencyOptions,
): Promise<Figures> {
  using client = connect(target.url, { transport, signal, inConversations })
  for (let run = 0; run < WARM_UP_RUNS; run++) {
    await pause?.()
    await timeNoopRun(client)
  }
  const firstEvents: number[] = []
  const completions: number[] = []
  for (let run = 0; run < RUNS; run++) {
    await pause?.()
    const { firstEventMs, completedMs } = await timeNoopRun(client)
    firstEvents.push(firstEventMs)
    completions.push(completedMs)
  }
  return {
    firstEventP50: percentile(firstEvents, 50),
    firstEventP99: percentile(firstEvents, 99),
    completedP50: percentile(completions, 50),
    completedP99: percentile(completions, 99),
  }
}

/** One run at a time on an otherwise idle system. */
export const latency: Workload = {
  key: 'w2',
  title: `${RUNS} no-op runs, one after the other`,
  transports: ['rest', 'trpc'],
  metrics: [
    { key: 'firstEventP50', label: 'create → first event seen, p50', unit: 'ms', better: 'lower' },
    { key: 'firstEventP99', label: 'create → first event seen, p99', unit: 'ms', better: 'lower' },
    { key: 'completedP50', label: 'create → completion seen, p50', unit: 'ms', better: 'lower' },
    { key: 'completedP99', label: 'create → completion seen, p99', unit: 'ms', better: 'lower' },
  ],

  measure: measureLatency,
}
