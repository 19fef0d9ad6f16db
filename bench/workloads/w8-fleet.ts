import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../driver/connect.ts'
import type { Target } from '../driver/target.ts'
import { timeNoopRun } from '../driver/time-run.ts'
import type { Figures, MeasureOptions, Metric, Workload } from '../workload.ts'

const FLEETS = [1, 4, 16]
const RUNS = 100
const WARM_UP_RUNS = 20
/** The time in which new workers learn of each other. */
const SETTLE_MS = 3_000
const IDLE_AGENTS = 50

const metricsOf = (workers: number): Metric[] => {
  const of = workers === 1 ? '1 worker' : `${workers} workers`
  return [
    { key: `statementsOf${workers}`, label: `${of}: statements per run`, unit: '', better: 'lower' },
    { key: `cpuOf${workers}`, label: `${of}: CPU of all workers per run`, unit: 'ms', better: 'lower' },
    { key: `idleOf${workers}`, label: `${of}: statements without a run`, unit: '/s', better: 'lower' },
  ]
}

/** What was used, in all or by one part. */
interface Usage {
  statements: number
  /** CPU of all workers, in milliseconds. */
  cpuMs: number
}

async function readUsage(target: Target): Promise<Usage> {
  const [{ executed }, cpu] = await Promise.all([target.readStatements(), target.readCpuTime()])
  return { statements: executed, cpuMs: (cpu?.worker ?? NaN) * 1000 }
}

/** @returns usage per second */
async function measureIdle(target: Target, { durationMs, signal }: MeasureOptions): Promise<Usage> {
  const before = await readUsage(target)
  const startedAt = performance.now()
  await sleep(durationMs, undefined, { signal })
  const after = await readUsage(target)
  const seconds = (performance.now() - startedAt) / 1000
  return {
    statements: (after.statements - before.statements) / seconds,
    cpuMs: (after.cpuMs - before.cpuMs) / seconds,
  }
}

/** @returns usage per run, for runs created one after the other, without the idle usage */
async function measureRuns(target: Target, idle: Usage, options: MeasureOptions): Promise<Usage> {
  using client = connect(target.url, options)
  for (let run = 0; run < WARM_UP_RUNS; run++) await timeNoopRun(client)
  const before = await readUsage(target)
  const startedAt = performance.now()
  for (let run = 0; run < RUNS; run++) await timeNoopRun(client)
  const seconds = (performance.now() - startedAt) / 1000
  const after = await readUsage(target)
  return {
    statements: (after.statements - before.statements - idle.statements * seconds) / RUNS,
    cpuMs: (after.cpuMs - before.cpuMs - idle.cpuMs * seconds) / RUNS,
  }
}

/** Does the cost of a run depend on how many workers there are? And what do idle workers cost? */
export const fleet: Workload = {
  key: 'w8',
  title: `${RUNS} no-op runs, one after the other, with more and more workers`,
  transports: ['rest'],
  metrics: [
    ...FLEETS.flatMap(metricsOf),
    {
      key: 'idleAgents',
      label: `a worker more, with ${IDLE_AGENTS} agents: statements without a run`,
      unit: '/s',
      better: 'lower',
    },
  ],

  async measure(target, options) {
    const figures: Figures = {}
    {
      await using started = new AsyncDisposableStack()
      let workers = 1
      for (const wanted of FLEETS) {
        started.use(await target.startWorkers(wanted - workers))
        workers = wanted
        await sleep(SETTLE_MS, undefined, { signal: options.signal })
        const idle = await measureIdle(target, options)
        const { statements, cpuMs } = await measureRuns(target, idle, options)
        figures[`idleOf${wanted}`] = idle.statements
        figures[`statementsOf${wanted}`] = statements
        figures[`cpuOf${wanted}`] = cpuMs
      }
    }
    await using _ = await target.startWorkers(1, { idleAgents: IDLE_AGENTS })
    await sleep(SETTLE_MS, undefined, { signal: options.signal })
    const { statements } = await measureIdle(target, options)
    figures['idleAgents'] = statements - (figures['idleOf1'] ?? NaN)
    return figures
  },
}
