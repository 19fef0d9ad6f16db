import type { Ran } from './load.ts'
import type { Recovery } from './losses.ts'
import type { Memory } from './memory.ts'

export interface StatusCount {
  agentKey: string
  status: string
  count: number
  /** The one of these that took longest from its creation to its end. */
  slowestSeconds: number
}

export interface Report {
  title: string
  seed: string
  seconds: number
  restarts: number
  memory: { start: Memory; end: Memory }
  counts: ReadonlyMap<string, number>
  statuses: readonly StatusCount[]
  recoveries: readonly Recovery[]
  ran: readonly Ran[]
}

const STATUSES = ['succeeded', 'failed', 'cancelled', 'timed_out'] as const

/** The result of a scene, for a person to read. */
export function formatReport(report: Report): string {
  const { title, seed, seconds, statuses, ran } = report
  const agents = [...new Set(statuses.map(({ agentKey }) => agentKey))].toSorted()
  const of = (status: string, agentKey?: string): number =>
    statuses
      .filter((row) => row.status === status && (agentKey === undefined || row.agentKey === agentKey))
      .reduce((sum, { count }) => sum + count, 0)
  const row = (name: string, cells: readonly (string | number)[]): string =>
    `  ${name.padEnd(12)}${cells.map((cell) => String(cell).padStart(11)).join('')}`
  const done = [...report.counts, ['process started again', report.restarts] as const]
  const followers = Object.groupBy(ran, ({ plan }) => plan.follower)
  return [
    '',
    `${title}: ${ran.length} runs in ${seconds.toFixed(0)} s (FAULTS_SEED=${seed})`,
    row('', STATUSES),
    ...agents.map((agent) =>
      row(
        agent,
        STATUSES.map((status) => of(status, agent)),
      ),
    ),
    row(
      'all',
      STATUSES.map((status) => of(status)),
    ),
    `  slowest that succeeded: ${slowest(statuses).toFixed(1)} s`,
    `  faults: ${done.map(([what, count]) => `${count} × ${what}`).join(', ')}`,
    `  readers: ${followers.sdk?.length ?? 0} by the client, ${followers.sse?.length ?? 0} by SSE`,
    `  memory (RSS): ${(['servers', 'workers'] as const).map((which) => growthOf(report, which)).join(', ')}`,
    ...(['killed', 'stopped'] as const).flatMap((how) => describe(how, report.recoveries)),
    '',
  ].join('\n')
}

function growthOf({ memory: { start, end } }: Report, which: keyof Memory): string {
  return `${which} ${start[which].toFixed(0)} MiB at the start, ${end[which].toFixed(0)} MiB at the end`
}

function slowest(statuses: readonly StatusCount[]): number {
  const succeeded = statuses.filter(({ status }) => status === 'succeeded')
  return Math.max(0, ...succeeded.map(({ slowestSeconds }) => slowestSeconds))
}

function describe(how: Recovery['how'], all: readonly Recovery[]): string[] {
  const recoveries = all.filter((recovery) => recovery.how === how)
  if (recoveries.length === 0) return []
  const times = promptTimes(how, all)
  const deferred = recoveries.filter(({ ms, delayMs }) => ms !== null && delayMs > 0).length
  const ended = recoveries.filter(({ ms }) => ms === null).length
  const shown = [
    ['min', times[0]],
    ['p50', quantile(times, 0.5)],
    ['p95', quantile(times, 0.95)],
    ['max', times.at(-1)],
  ] as const
  const figures = shown.map(([name, ms]) => `${name} ${ms === undefined ? '-' : (ms / 1000).toFixed(2)} s`)
  return [
    `  from the worker ${how} to the next attempt: ${figures.join(', ')} (${times.length} runs, ` +
      `${times.filter((ms) => ms <= 2_000).length} within 2 s; ${deferred} waited longer by backoff, ${ended} had ended or had no attempt left)`,
  ]
}

/** Sorted milliseconds of the runs that should have continued at once. */
export function promptTimes(how: Recovery['how'], recoveries: readonly Recovery[]): number[] {
  return recoveries
    .flatMap((recovery) =>
      recovery.how === how && recovery.ms !== null && recovery.delayMs === 0 ? [recovery.ms] : [],
    )
    .toSorted((a, b) => a - b)
}

function quantile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}
