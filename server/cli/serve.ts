import { Command } from 'commander'
import { listen } from './http-server.ts'
import { runUntilStopped } from './lifecycle.ts'
import { findEntry, loadEntry } from './load-entry.ts'
import { ENVIRONMENT_HELP, hostOption, portOption } from './options.ts'
import type { ListenOptions } from './options.ts'
import { routeRequests, routeUpgrades } from './route-requests.ts'
import { startRuntime } from './run-runtime.ts'

export function serveCommand(): Command {
  return new Command('serve')
    .description('Serve the API: tRPC, REST and event streams. Runs are executed by `worker` processes.')
    .argument('[entry]', 'file whose default export is createAgentRuntime(…)')
    .addOption(portOption())
    .addOption(hostOption())
    .addHelpText(
      'after',
      `
Examples:
  $ agent-runtime serve
  $ agent-runtime serve src/runtime.ts --host 0.0.0.0 --port 8080
${ENVIRONMENT_HELP}`,
    )
    .action(serve)
}

async function serve(given: string | undefined, options: ListenOptions): Promise<void> {
  await runUntilStopped(async (lifecycle) => {
    const entry = findEntry(given)
    const http = await listen(options)
    lifecycle.defer(http.close)
    const runtime = await loadEntry(entry)
    await startRuntime(runtime, lifecycle)
    lifecycle.defer(http.refuse)
    http.serve(routeRequests(runtime))
    routeUpgrades(http.server, runtime.handleUpgrade)
    process.stdout.write(`Listening on ${http.url}\n`)
  })
}
