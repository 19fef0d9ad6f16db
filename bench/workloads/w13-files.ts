import { measureStreams } from '../driver/stream-load.ts'
import { startMovingFiles } from '../driver/move-files.ts'
import type { Workload } from '../workload.ts'
import { STREAMS } from './w3-streams.ts'

const PER_SECOND = 20

/** What uploads and downloads take from other callers. The floor moves as many bytes and keeps none of them. */
export const filesBeside: Workload = {
  key: 'w13',
  title: `${STREAMS.runs} runs of ${PER_SECOND} deltas/s each, beside files of 20 MB up and down`,
  transports: ['rest'],
  metrics: [
    { key: 'aloneP50', label: 'alone: emitted → received, p50', unit: 'ms', better: 'lower' },
    { key: 'aloneP99', label: 'alone: p99', unit: 'ms', better: 'lower' },
    { key: 'besideP50', label: 'beside them: emitted → received, p50', unit: 'ms', better: 'lower' },
    { key: 'besideP99', label: 'beside them: p99', unit: 'ms', better: 'lower' },
    { key: 'besideDelivered', label: 'beside them: received of what was due', unit: '%', better: 'higher' },
    { key: 'megabytes', label: 'up and down', unit: 'MB/s', better: 'higher' },
  ],

  async measure(target, options) {
    const load = { runs: STREAMS.runs, perSecond: PER_SECOND }
    const alone = await measureStreams(target, load, options)
    const moving = startMovingFiles(target.url)
    let moved = { bytes: 0, ms: NaN }
    const beside = await measureStreams(target, load, options).finally(async () => {
      moved = await moving.stop()
    })
    return {
      aloneP50: alone.p50,
      aloneP99: alone.p99,
      besideP50: beside.p50,
      besideP99: beside.p99,
      besideDelivered: beside.deliveredPercent,
      megabytes: moved.bytes / 1_000 / moved.ms,
    }
  },
}
