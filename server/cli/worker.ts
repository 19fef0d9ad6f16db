import { Command } from 'commander'
import { runUntilStopped } from './lifecycle.ts'
import { findEntry, loadEntry } from './load-entry.ts'
import { ENVIRONMENT_HELP, processesOption, workerOptions } from './options.ts'
import type { WorkerOptions } from './options.ts'
import { startRuntime, startWorker } from './run-runtime.ts'
import { reportToSupervisor, superviseProcesses } from './supervisor.ts'

const DRAIN_TIMEOUT_SECONDS = 30

export function workerCommand(): Command {
  const command = new Command('worker')
    .description('Execute runs. Start as many as you like, on as many machines as you like.')
    .argument('[entry]', 'file whose default export is createAgentRuntime(…)')
  command.addOption(processesOption())
  for (const option of workerOptions(DRAIN_TIMEOUT_SECONDS)) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  $ agent-runtime worker
  $ agent-runtime worker src/runtime.ts --processes 4 --concurrency 20
  $ agent-runtime worker --agent-keys chat,research --drain-timeout 120

SIGTERM and Ctrl-C drain it: it takes no more runs, gives those it has --drain-timeout seconds, and
hands back what is left; another worker goes on with it, and no attempt is spent. A second one stops at once.
A process that dies is started again, later each time; its runs go on elsewhere meanwhile.
${ENVIRONMENT_HELP}`,
    )
    .action(work)
}

async function work(
  given: string | undefined,
  { processes, ...options }: WorkerOptions & { processes: number },
): Promise<void> {
  await runUntilStopped(async (lifecycle) => {
    const entry = findEntry(given)
    if (processes > 1) return superviseProcesses(processes, lifecycle)
    const runtime = await loadEntry(entry)
    await startRuntime(runtime, lifecycle)
    await startWorker(runtime, options, lifecycle)
    const agents = options.agentKeys ?? runtime.agents.map((agent) => agent.key)
    process.stdout.write(`Working on runs of ${agents.join(', ')}\n`)
    reportToSupervisor()
  })
}
