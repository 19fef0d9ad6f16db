import { url as inspectorUrl } from 'node:inspector'
import { Command } from 'commander'
import { CliError } from './cli-error.ts'
import type { RuntimeChild } from './child/runtime-child.ts'
import { describeRuntime } from './describe-runtime.ts'
import type { RuntimeDescription } from './describe-runtime.ts'
import type { Health } from '../domain/health.ts'
import { readHealths, serveHealth } from './health.ts'
import { runUntilStopped } from './lifecycle.ts'
import { findEntry, loadEntry } from './load-entry.ts'
import { log } from './log.ts'
import { assertMeasuring, readChildren, readOwn, serveMetrics } from './metrics.ts'
import type { ReadMetrics } from './metrics.ts'
import {
  ENVIRONMENT_HELP,
  healthPortOption,
  metricsOptions,
  noReloadOption,
  processesOption,
  reloadOption,
  workerOptions,
} from './options.ts'
import type { MetricsOptions, WorkerOptions } from './options.ts'
import { ReloadingRuntime } from './dev/reload/reloading-runtime.ts'
import { startRuntime, startWorker } from './run-runtime.ts'
import { superviseProcesses } from './supervisor.ts'

const DRAIN_TIMEOUT_SECONDS = 30

export function workerCommand(): Command {
  const command = new Command('worker')
    .description('Execute runs. Start as many as you like, on as many machines as you like.')
    .argument('[entry]', 'file whose default export is createAgentRuntime(…)')
  command.addOption(processesOption()).addOption(healthPortOption())
  for (const option of metricsOptions()) command.addOption(option)
  for (const option of workerOptions(DRAIN_TIMEOUT_SECONDS)) command.addOption(option)
  return command
    .addOption(reloadOption())
    .addOption(noReloadOption())
    .addHelpText(
      'after',
      `
Examples:
  $ agent-runtime worker
  $ agent-runtime worker src/runtime.ts --processes 4 --concurrency 20
  $ agent-runtime worker --agent-keys chat,research --drain-timeout 120
  $ agent-runtime worker --reload

SIGTERM and Ctrl-C drain it: it takes no more runs, gives those it has --drain-timeout seconds, and
hands back what is left; another worker goes on with it, and no attempt is spent. A second one stops at once.
A process that dies, or that an agent blocks for 30 s, is started again, later each time; its runs go on
elsewhere meanwhile.

With --reload a change of the entry or of what it imports, installed packages aside, starts a new
process; when that is ready the old one is drained. Code that does not start is reported, and the old goes on.
${ENVIRONMENT_HELP}`,
    )
    .action(work)
}

interface WorkOptions extends WorkerOptions, MetricsOptions {
  processes: number
  healthPort?: number
  reload?: boolean
}

async function work(given: string | undefined, options: WorkOptions): Promise<void> {
  const { processes, healthPort, metricsPort, metricsToken, reload, ...worker } = options
  if (reload && processes > 1) {
    throw new CliError('--reload is for one process: leave it out, or --processes.')
  }
  await runUntilStopped(async (lifecycle) => {
    const entry = findEntry(given)
    const task = { entry, worker }
    const sayReady = ({ agentKeys, isMeasuring }: RuntimeDescription): void => {
      if (metricsPort !== undefined) assertMeasuring(isMeasuring)
      process.stdout.write(`Working on runs of ${(worker.agentKeys ?? agentKeys).join(', ')}\n`)
    }
    let countTaking = (): number => 0
    let readWorkers = (): Promise<Health[]> => Promise.resolve([])
    if (healthPort !== undefined) {
      const health = async () => ({ processes, taking: countTaking(), workers: await readWorkers() })
      await serveHealth(healthPort, { lifecycle, health })
    }
    let readMetrics: ReadMetrics = () => Promise.resolve(undefined)
    await serveMetrics({ metricsPort, metricsToken }, { lifecycle, read: () => readMetrics() })
    if (processes === 1 && (reload ?? process.env['NODE_ENV'] === 'development')) {
      const reloading = new ReloadingRuntime({ task: { ...task, isWatched: true }, lifecycle, log })
      countTaking = () => Number(reloading.isTaking)
      readMetrics = () => readChildren(reloading.children)
      readWorkers = () => readHealths(reloading.children)
      return sayReady((await reloading.start()).runtime)
    }
    if (processes === 1 && isDebugged()) {
      const runtime = await loadEntry(entry)
      await startRuntime(runtime, lifecycle)
      const executing = await startWorker(runtime, worker, { lifecycle })
      countTaking = () => Number(executing.isTaking)
      readMetrics = () => readOwn(runtime.metrics?.exposition)
      readWorkers = () =>
        runtime.health().then(
          (own) => [own],
          () => [],
        )
      return sayReady(describeRuntime(runtime))
    }
    const children = new Set<RuntimeChild>()
    readMetrics = () => readChildren(children)
    readWorkers = () => readHealths(children)
    countTaking = () => [...children].filter(({ isTaking }) => isTaking).length
    await superviseProcesses(processes, {
      children,
      task: { ...task, isWatched: false },
      lifecycle,
      onReady: ({ runtime }) => sayReady(runtime),
    })
  })
}

/**
 * Under a debugger the worker must be the command's own process, and must not be killed while it stands at a
 * breakpoint.
 */
function isDebugged(): boolean {
  return inspectorUrl() !== undefined
}
