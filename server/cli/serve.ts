import { Command } from 'commander'
import { CliError } from './cli-error.ts'
import { listen } from './http-server.ts'
import { runUntilStopped } from './lifecycle.ts'
import { findEntry, loadEntry } from './load-entry.ts'
import { assertMeasuring, readOwn, serveMetrics } from './metrics.ts'
import { ENVIRONMENT_HELP, hostOption, insecureOption, metricsOptions, portOption } from './options.ts'
import type { ListenOptions, MetricsOptions } from './options.ts'
import { routeUpgrades } from './route-requests.ts'
import { startRuntime } from './run-runtime.ts'

export function serveCommand(): Command {
  const command = new Command('serve')
    .description('Serve the API: tRPC, REST and event streams. Runs are executed by `worker` processes.')
    .argument('[entry]', 'file whose default export is createAgentRuntime(…)')
    .addOption(portOption())
    .addOption(hostOption())
    .addOption(insecureOption())
  for (const option of metricsOptions()) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  $ agent-runtime serve
  $ agent-runtime serve src/runtime.ts --host 0.0.0.0 --port 8080

Without \`authenticate\` every caller is one and the same public user, so it starts only with --insecure.
${ENVIRONMENT_HELP}`,
    )
    .action(serve)
}

interface ServeOptions extends ListenOptions, MetricsOptions {
  insecure?: boolean
}

async function serve(
  given: string | undefined,
  { insecure = false, ...options }: ServeOptions,
): Promise<void> {
  await runUntilStopped(async (lifecycle) => {
    const entry = findEntry(given)
    const http = await listen(options)
    lifecycle.defer(http.close)
    const runtime = await loadEntry(entry)
    if (!runtime.isAuthenticating && !insecure) {
      throw new CliError(
        'The runtime has no `authenticate`, so whoever reaches it could do everything: give createAgentRuntime one, or start with --insecure.',
      )
    }
    const exposition = runtime.metrics?.exposition
    if (options.metricsPort !== undefined) assertMeasuring(exposition !== undefined)
    await serveMetrics(options, { lifecycle, read: () => readOwn(exposition) })
    await startRuntime(runtime, lifecycle)
    lifecycle.defer(http.refuse)
    http.server.keepAliveTimeout = runtime.config.keepAliveTimeoutSeconds * 1000
    http.serve(runtime.nodeHandler)
    routeUpgrades(http.server, runtime.handleUpgrade)
    process.stdout.write(`Listening on ${http.url}\n`)
  })
}
