// A runtime as a process of its own, for the commands that keep several or put a new one in place of an
// old one. It shares their terminal, so what the keyboard sends is theirs to understand: they tell it.
import { readError } from '../../read-error.ts'
import { reportError } from '../cli-error.ts'
import { outliveDeadOutput } from '../dead-output.ts'
import { describeRuntime } from '../describe-runtime.ts'
import { listen } from '../http-server.ts'
import { runUntilStopped } from '../lifecycle.ts'
import type { Controls, Lifecycle } from '../lifecycle.ts'
import { loadEntry } from '../load-entry.ts'
import { routeRequests, routeUpgrades } from '../route-requests.ts'
import { startRuntime, startWorker } from '../run-runtime.ts'
import { reportImportedFiles } from './imported-files.ts'
import type { ChildMessage, ChildTask, StopMessage } from './messages.ts'

outliveDeadOutput()

const task = JSON.parse(process.argv[2] ?? '') as ChildTask
const flushImported = task.isWatched
  ? reportImportedFiles((files) => send({ kind: 'imported', files }))
  : send
const ALIVE_EVERY_MS = 1_000
let isReady = false

try {
  await runUntilStopped(run, obeyParent)
  process.exit(0)
} catch (error) {
  if (isReady) reportError(error)
  else await reportFailure(error)
  process.exit(1)
}

async function run(lifecycle: Lifecycle): Promise<void> {
  const runtime = await loadEntry(task.entry)
  const http = task.serving && (await listen({ host: '127.0.0.1', port: 0, ...task.serving }))
  if (http !== undefined) lifecycle.defer(http.close)
  await startRuntime(runtime, lifecycle)
  // Answered until the end of draining: it is the parent that decides who is asked.
  http?.serve(routeRequests(runtime))
  if (http !== undefined) routeUpgrades(http.server, runtime.handleUpgrade)
  await startWorker(runtime, task.worker, lifecycle)
  // Done just before the worker is stopped, with nothing in between that could let it take a run.
  lifecycle.defer(async () => void send({ kind: 'draining' }))
  // To the very end: one that drains for long is not blocked.
  setInterval(() => void send({ kind: 'alive' }), ALIVE_EVERY_MS).unref()
  isReady = true
  await send({ kind: 'ready', ready: { runtime: describeRuntime(runtime), url: http?.url } })
}

function obeyParent({ stop }: Controls): void {
  process.on('message', ({ isHurried }: StopMessage) => stop('Stopped by its parent.', { isHurried }))
  // Whoever started it is gone, perhaps killed.
  process.once('disconnect', () => stop('Its parent is gone.'))
  process.on('SIGTERM', () => stop('Stopped by SIGTERM.'))
  process.on('SIGINT', () => {})
  process.on('SIGHUP', () => {})
}

async function reportFailure(error: unknown): Promise<void> {
  const { name, message, stack } = readError(error)
  await flushImported()
  await send({ kind: 'failed', name, message, stack })
}

/** Resolves once it is on its way, so that an end right after does not cut it off. */
function send(message?: ChildMessage): Promise<void> {
  return new Promise((resolve) => {
    if (message === undefined || !process.connected) return resolve()
    // A parent that is gone has no use for it.
    process.send?.(message, undefined, undefined, () => resolve())
  })
}
