import { mkdir, writeFile } from 'node:fs/promises'
import type { Transport } from './driver/run-client.ts'
import type { Machine } from './machine.ts'
import { summarise } from './summarise.ts'
import type { Comparison, Summary, WorkloadResult } from './summarise.ts'

export interface Report {
  /** The typed command. */
  command: string
  machine: Machine
  results: readonly WorkloadResult[]
}

const TRANSPORT_NAMES: Record<Transport, string> = {
  rest: 'REST/SSE',
  trpc: 'tRPC',
  socket: 'tRPC over WebSocket',
}

export function formatMarkdown({ command, machine, results }: Report): string {
  const settings = Object.entries(machine.postgresSettings).map(([name, value]) => `${name} ${value}`)
  return `# Benchmark

Medians of ${results[0]?.rounds.length ?? 0} rounds, after one that does not count. Each measured the floor and then the system, on vacuumed
and analysed tables (W1fresh: on new databases with new processes, and no round before); ratios (÷) are system by
floor, taken within a round, their extremes in parentheses. The floor is bare \`pg\` and \`node:http\` doing the least
that gives the same answer: every event is in PostgreSQL before it is delivered, but nobody is asked who he is (W14: it
is the framework by itself, in the process of the worker, which stores nothing and has no reader). The
system authenticates every request and shows each its own. Client, API, worker and PostgreSQL share the machine.
Statements are counted by pg_stat_statements, which is on for both.

- \`${command}\`
- ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.platform}
- Node ${machine.node}, PostgreSQL ${machine.postgres} (${settings.join(', ')})
- commit ${machine.commit}, ${machine.date}

${results.map(formatWorkload).join('\n\n')}
`
}

function formatWorkload(result: WorkloadResult): string {
  const { key, title, transports } = result.workload
  const columns = transports.flatMap((transport) => [TRANSPORT_NAMES[transport], '÷'])
  const numbers = ['floor', ...columns].map(() => '--:')
  return [
    `## ${key.toUpperCase()}: ${title}`,
    '',
    formatRow(['', 'floor', ...columns, 'better is']),
    `|${['---', ...numbers, '---'].join('|')}|`,
    ...summarise(result).map((summary) => formatSummary(summary, transports)),
  ].join('\n')
}

function formatSummary(summary: Summary, transports: readonly Transport[]): string {
  const { label, unit, floor, system, better = '' } = summary
  const withUnit = (value: number): string =>
    Number.isFinite(value) ? `${formatNumber(value)} ${unit}`.trim() : 'none'
  const cells = transports.flatMap((transport) => {
    const comparison = system[transport]
    return comparison === undefined
      ? ['', '']
      : [withUnit(comparison.value), better === '' ? '' : formatRatio(comparison)]
  })
  return formatRow([label, withUnit(floor), ...cells, better])
}

const formatRow = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

function formatRatio({ ratio }: Comparison): string {
  if (!Number.isFinite(ratio.median)) return ''
  if (ratio.min === ratio.max) return formatNumber(ratio.median)
  return `${formatNumber(ratio.median)} (${formatNumber(ratio.min)} to ${formatNumber(ratio.max)})`
}

function formatNumber(value: number): string {
  if (value === 0 || Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return value.toPrecision(Math.abs(value) >= 10 ? 3 : 2)
}

/**
 * Writes `latest.json` with every round, and `latest.md`.
 *
 * @returns the folder
 */
export async function writeReport(report: Report): Promise<string> {
  const { command, machine, results } = report
  const folder = new URL('results/', import.meta.url)
  await mkdir(folder, { recursive: true })
  const workloads = results.map((result) => {
    const { key, title } = result.workload
    return { key, title, summary: summarise(result), rounds: result.rounds }
  })
  await writeFile(
    new URL('latest.json', folder),
    `${JSON.stringify({ command, machine, workloads }, null, 2)}\n`,
  )
  await writeFile(new URL('latest.md', folder), formatMarkdown(report))
  return folder.pathname
}
