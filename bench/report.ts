import { mkdir, writeFile } from 'node:fs/promises'
import { median } from './driver/statistics.ts'
import type { Machine } from './machine.ts'
import type { Round } from './run-rounds.ts'
import type { Metric, Workload } from './workload.ts'

export interface WorkloadResult {
  workload: Workload
  rounds: readonly Round[]
}

interface Summary extends Metric {
  floor: number
  system: number
  /** Median of the rounds' ratios system ÷ floor, and their extremes. */
  ratio: { median: number; min: number; max: number }
}

/** Medians over the rounds. A metric that could not be measured everywhere is left out. */
function summarise({ workload, rounds }: WorkloadResult): Summary[] {
  return workload.metrics.flatMap((metric) => {
    const pairs = rounds.flatMap(({ floor, system }) => {
      const [f, s] = [floor[metric.key], system[metric.key]]
      return f === undefined || s === undefined ? [] : [{ floor: f, system: s, ratio: s / f }]
    })
    if (pairs.length < rounds.length) return []
    const ratios = pairs.map((pair) => pair.ratio)
    return {
      ...metric,
      floor: median(pairs.map((pair) => pair.floor)),
      system: median(pairs.map((pair) => pair.system)),
      ratio: { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) },
    }
  })
}

export function formatMarkdown(machine: Machine, results: readonly WorkloadResult[]): string {
  const settings = Object.entries(machine.postgresSettings).map(([name, value]) => `${name} ${value}`)
  const sections = results.map((result) => {
    const rows = summarise(result).map(({ label, unit, better, floor, system, ratio }) => {
      const extremes = `${formatNumber(ratio.min)} to ${formatNumber(ratio.max)}`
      const figures = [floor, system].map((value) => `${formatNumber(value)} ${unit}`)
      return `| ${[label, ...figures, `${formatNumber(ratio.median)} (${extremes})`, better].join(' | ')} |`
    })
    return [
      `## ${result.workload.key.toUpperCase()}: ${result.workload.title}`,
      '',
      '| | floor | system | system ÷ floor | better is |',
      '|---|--:|--:|--:|---|',
      ...rows,
    ].join('\n')
  })
  return `# Benchmark

Medians of ${results[0]?.rounds.length ?? 0} rounds, after one that does not count. Each measured the floor and then the system, on vacuumed
and analysed tables; ratios are taken within a round, their extremes in parentheses. The floor is bare \`pg\`
and \`node:http\` doing the least that gives the same answer. Client, API, worker and PostgreSQL share the
machine.

- ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.platform}
- Node ${machine.node}, PostgreSQL ${machine.postgres} (${settings.join(', ')})
- commit ${machine.commit}, ${machine.date}

${sections.join('\n\n')}
`
}

/** Writes `latest.json`, which has every round, and `latest.md`. @returns the folder. */
export async function writeReport(machine: Machine, results: readonly WorkloadResult[]): Promise<string> {
  const folder = new URL('results/', import.meta.url)
  await mkdir(folder, { recursive: true })
  const workloads = results.map((result) => {
    const { key, title } = result.workload
    return { key, title, summary: summarise(result), rounds: result.rounds }
  })
  await writeFile(new URL('latest.json', folder), `${JSON.stringify({ machine, workloads }, null, 2)}\n`)
  await writeFile(new URL('latest.md', folder), formatMarkdown(machine, results))
  return folder.pathname
}

const formatNumber = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(value >= 10 ? 3 : 2)
