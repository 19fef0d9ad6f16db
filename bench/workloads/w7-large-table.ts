import { readFilledRun } from '../driver/read-filled-run.ts'
import { median, percentile } from '../driver/statistics.ts'
import { measureStreams } from '../driver/stream-load.ts'
import { EVENTS_PER_FILLED_RUN } from '../driver/target.ts'
import type { Target } from '../driver/target.ts'
import type { Figures, MeasureOptions, PrepareOptions, Workload } from '../workload.ts'
import { STREAMS } from './w3-streams.ts'

const RESUMES = 100
/** The small table needs runs to resume, too. */
const RUNS_BEFOREHAND = 20
const RUNS_PER_FILL = 200
/** How long filling lasts, in measurements. */
const FILL_DURATIONS = 6

const COMPARED = [
  { key: 'p50', label: 'W3, emitted → received, p50' },
  { key: 'p99', label: 'W3, emitted → received, p99' },
  { key: 'first', label: 'one client resumes → first event, p50' },
  { key: 'all', label: 'one client resumes → everything read, p50' },
] as const

async function measureTable(target: Target, options: MeasureOptions): Promise<Figures> {
  const { p50, p99 } = await measureStreams(target, STREAMS, options)
  const firsts: number[] = []
  const alls: number[] = []
  const runIds = await target.pickFilledRuns(RESUMES)
  for (let resumed = 0; resumed < RESUMES; resumed++) {
    const runId = runIds[resumed % runIds.length] ?? ''
    const { firstEventMs, allMs } = await readFilledRun(target, runId, options)
    firsts.push(firstEventMs)
    alls.push(allMs)
  }
  return { p50, p99, first: percentile(firsts, 50), all: percentile(alls, 50) }
}

async function fill(target: Target, { durationMs, signal, log }: PrepareOptions): Promise<void> {
  const until = performance.now() + durationMs * FILL_DURATIONS
  let runs = 0
  for (; performance.now() < until; runs += RUNS_PER_FILL) {
    signal.throwIfAborted()
    await target.fill(RUNS_PER_FILL)
  }
  log(`w7: ${target.name} has ${((runs * EVENTS_PER_FILLED_RUN) / 1e6).toFixed(1)} million events more`)
}

/** Medians of each target, over as many rounds as follow on the large table. */
const onSmallTable = new WeakMap<Target, Figures>()

/**
 * W3 and resuming, on an event table as large as after months. The table stays, so this is the last workload.
 */
export const largeTable: Workload = {
  key: 'w7',
  title: 'Streaming and resuming on a small and on a large event table',
  transports: ['rest'],
  metrics: [
    ...COMPARED.flatMap(({ key, label }) => [
      { key: `${key}Small`, label: `${label}, small table`, unit: 'ms', better: 'lower' as const },
      { key: `${key}Large`, label: `${label}, large table`, unit: 'ms', better: 'lower' as const },
      { key: `${key}Ratio`, label: `${label}, large ÷ small`, unit: '' },
    ]),
    { key: 'events', label: 'events in the large table', unit: 'million' },
    { key: 'bytes', label: 'the large table and its index', unit: 'GiB' },
  ],

  async prepare(target, options) {
    await target.fill(RUNS_BEFOREHAND)
    const rounds: Figures[] = []
    // The first round does not count, as on the large table.
    for (let round = 0; round <= options.rounds; round++) {
      options.log(`w7 small table, round ${round} of ${options.rounds}: ${target.name} …`)
      await target.settle()
      const side = target.name === 'floor' ? 'floor' : 'system'
      const figures = await measureTable(target, { ...options, transport: 'rest', side })
      if (round > 0) rounds.push(figures)
    }
    const medians = COMPARED.map(({ key }) => [key, median(rounds.map((figures) => figures[key] ?? NaN))])
    onSmallTable.set(target, Object.fromEntries(medians) as Figures)
    await fill(target, options)
  },

  async measure(target, options) {
    const small = onSmallTable.get(target) ?? {}
    const large = await measureTable(target, options)
    const table = await target.readEventTable()
    const figures: Figures = { events: table.rows / 1e6, bytes: table.bytes / 2 ** 30 }
    for (const { key } of COMPARED) {
      const [before = NaN, now = NaN] = [small[key], large[key]]
      figures[`${key}Small`] = before
      figures[`${key}Large`] = now
      figures[`${key}Ratio`] = now / before
    }
    return figures
  },
}
