// `npm run bench`: compares the runtime with the least that gives the same answer.
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { TRANSPORTS } from './driver/run-client.ts'
import type { Transport } from './driver/run-client.ts'
import { startPostgres } from './driver/start-postgres.ts'
import { isRedisInstalled } from './driver/start-redis.ts'
import { isInRedis } from './driver/target.ts'
import { createTargets } from './driver/targets.ts'
import { describeMachine } from './machine.ts'
import { formatMarkdown, writeReport } from './report.ts'
import { runRounds } from './run-rounds.ts'
import type { WorkloadResult } from './summarise.ts'
import type { Workload } from './workload.ts'
import { WORKLOADS } from './workloads/index.ts'

interface Options {
  rounds: number
  workloads: readonly Workload[]
  transports: readonly Transport[]
  /** In seconds. */
  duration: number
  profile?: string
}

const program = new Command('bench')
  .description(
    'Measures the runtime and a floor by turns on one embedded PostgreSQL, prints a table and writes bench/results/latest.*',
  )
  .option('-r, --rounds <number>', 'measurements of each side, of which the median counts', parseCount, 3)
  .addOption(
    new Option('-w, --workloads <keys>', `which of ${keysOf(WORKLOADS)}`)
      .argParser(parseWorkloads)
      .default(WORKLOADS, 'all'),
  )
  .addOption(
    new Option('-t, --transports <names>', 'over which the system is measured, where a workload has both')
      .argParser(parseTransports)
      .default(TRANSPORTS, TRANSPORTS.join(',')),
  )
  .option('-d, --duration <seconds>', 'of each measurement that goes on for a time', parseSeconds, 10)
  .option('-p, --profile <folder>', 'write a CPU profile of each server process there')
  .addHelpText(
    'after',
    `\nWorkloads:\n${WORKLOADS.map(({ key, title }) => `  ${key.padEnd(10)} ${title}`).join('\n')}`,
  )

function parseCount(text: string): number {
  const value = Number(text)
  if (!(Number.isInteger(value) && value > 0))
    throw new InvalidArgumentError('A whole number above 0 is expected.')
  return value
}

function parseSeconds(text: string): number {
  const value = Number(text)
  if (!(Number.isFinite(value) && value > 0)) throw new InvalidArgumentError('A number above 0 is expected.')
  return value
}

function parseWorkloads(text: string): readonly Workload[] {
  const keys = text.split(',')
  const unknown = keys.filter((key) => !WORKLOADS.some((workload) => workload.key === key))
  if (unknown.length === 0) return WORKLOADS.filter((workload) => keys.includes(workload.key))
  throw new InvalidArgumentError(`There is no "${unknown.join('", "')}". Known: ${keysOf(WORKLOADS)}.`)
}

function parseTransports(text: string): readonly Transport[] {
  const names = text.split(',')
  const chosen = TRANSPORTS.filter((transport) => names.includes(transport))
  if (chosen.length === names.length) return chosen
  throw new InvalidArgumentError(`Known: ${TRANSPORTS.join(',')}.`)
}

function keysOf(workloads: readonly Workload[]): string {
  return workloads.map((workload) => workload.key).join(',')
}

const log = (message: string): void => void process.stderr.write(`${message}\n`)

/**
 * Leaves out workloads that need Redis if there is none. A workload that was asked for by name ends the
 * benchmark.
 */
function leaveOutRedis(workloads: readonly Workload[]): readonly Workload[] {
  const others = workloads.filter(({ system }) => !isInRedis(system))
  if (others.length === workloads.length || isRedisInstalled()) return workloads
  const left = keysOf(workloads.filter((workload) => !others.includes(workload)))
  const reason = 'redis-server is not installed (apt-get install redis-server)'
  if (program.getOptionValueSource('workloads') !== 'default') program.error(`${reason}: ${left} needs it.`)
  log(`${reason}: ${left} are left out.`)
  return others
}

async function bench(options: Options, signal: AbortSignal): Promise<void> {
  const { rounds, duration, profile } = options
  const workloads = leaveOutRedis(options.workloads).flatMap((workload) => {
    const transports = workload.transports.filter((transport) => options.transports.includes(transport))
    return transports.length === 0 ? [] : [{ ...workload, transports }]
  })
  await using cleanup = new AsyncDisposableStack()
  // On disk, not in memory as in tests, since the cost of a commit on a disk is part of the result.
  const dataDir = join(tmpdir(), `agent-runtime-bench-${randomUUID()}`)
  cleanup.defer(() => rm(dataDir, { recursive: true, force: true }))
  const postgres = await startPostgres({ dataDir, log, signal })
  cleanup.defer(() => postgres.stop('immediate'))
  const targets = cleanup.use(createTargets({ postgres, profileDir: profile }))

  const results: WorkloadResult[] = []
  for (const workload of workloads) {
    const measured = await runRounds(workload, { targets, rounds, durationMs: duration * 1000, signal, log })
    results.push({ workload, rounds: measured })
  }
  const machine = await describeMachine(postgres.url)
  const typed = process.argv.slice(2)
  const command = ['npm run bench', ...(typed.length === 0 ? [] : ['--', ...typed])].join(' ')
  const report = { command, machine, results }
  process.stdout.write(formatMarkdown(report))
  log(`\nWritten to ${await writeReport(report)}`)
}

const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupted.abort())

try {
  await bench(program.parse().opts<Options>(), interrupted.signal)
} catch (error) {
  if (!interrupted.signal.aborted) throw error
  log('\nInterrupted: nothing was written.')
  process.exitCode = 130
}
