// A runtime in a process of its own, for commands that run several or replace one by another. It shares their
// terminal, but only they handle signals from the keyboard, and tell it what to do.
import { readError } from '../../ports/read-error.ts'
import { reportError } from '../cli-error.ts'
import { outliveDeadOutput } from '../dead-output.ts'
import { describeRuntime } from '../describe-runtime.ts'
import { listen } from '../http-server.ts'
import { runUntilStopped } from '../lifecycle.ts'
import type { Controls, Lifecycle } from '../lifecycle.ts'
import { loadEntry } from '../load-entry.ts'
import { routeUpgrades } from '../route-requests.ts'
import { startRuntime, startWorker } from '../run-runtime.ts'
import type { AgentRuntime } from '../../runtime/agent-runtime.ts'
import type { Isolation } from '../../worker/isolated-runs.ts'
import type { Worker } from '../../runtime/agent-runtime.ts'
import type { IsolatedRun } from '../../worker/worker.ts'
import { IsolatedMetrics } from './isolated-metrics.ts'
import { reportImportedFiles } from './imported-files.ts'
import type { AskMessage, ChildMessage, ChildTask, ParentMessage, Question } from './messages.ts'
import { RuntimeChild } from './runtime-child.ts'

outliveDeadOutput()

const task = JSON.parse(process.argv[2] ?? '') as ChildTask
const flushImported = task.isWatched
  ? reportImportedFiles((files) => send({ kind: 'imported', files }))
  : send
const ALIVE_EVERY_MS = 1_000
let isReady = false
let runtime: AgentRuntime | undefined
let isolatedMetrics: IsolatedMetrics | undefined

try {
  await runUntilStopped(run, obeyParent)
  process.exit(0)
} catch (error) {
  if (isReady) reportError(error)
  else await reportFailure(error)
  process.exit(1)
}

async function run(lifecycle: Lifecycle): Promise<void> {
  if (lifecycle.signal.aborted) return
  const loaded = await loadEntry(task.entry)
  runtime = loaded
  const http = task.serving && (await listen({ host: '127.0.0.1', port: 0, ...task.serving }))
  if (http !== undefined) lifecycle.defer(http.close)
  const exposition = loaded.metrics?.exposition
  if (exposition !== undefined && task.isIsolated) {
    // Done after the runtime has stopped, when nothing is counted any more.
    lifecycle.defer(async () => send({ kind: 'measured', metrics: [await exposition.read()] }))
  } else if (exposition !== undefined) isolatedMetrics = new IsolatedMetrics(exposition)
  await startRuntime(loaded, lifecycle)
  // It answers until the end of draining; the parent decides which process gets requests.
  http?.serve(loaded.nodeHandler)
  if (http !== undefined) routeUpgrades(http.server, loaded.handleUpgrade)
  const worker = await startWorker(loaded, task.worker, {
    lifecycle,
    ...(task.isIsolated ? { isolated: tellParent(lifecycle) } : { isolation: isolateBy(loaded, lifecycle) }),
  })
  // Done directly before the worker is stopped, so that it cannot take a run in between.
  lifecycle.defer(async () => void send({ kind: 'draining' }))
  sayAlive(worker)
  isReady = true
  await send({ kind: 'ready', ready: { runtime: describeRuntime(loaded), url: http?.url } })
}

/**
 * Goes on until the very end, because a process that drains for long is not blocked. If the parent stands
 * still, no second message is sent to it.
 */
function sayAlive(worker: Worker): void {
  let isHeard = true
  const say = (): void => {
    if (!isHeard) return
    isHeard = false
    void send({ kind: 'alive', isTaking: worker.isTaking }).then(() => (isHeard = true))
  }
  say()
  setInterval(say, ALIVE_EVERY_MS).unref()
}

/** Isolated runs are executed by processes like this one. */
function isolateBy({ config }: AgentRuntime, lifecycle: Lifecycle): Isolation {
  const children = new Set<RuntimeChild>()
  lifecycle.deferUrgent(() => Promise.all([...children].map((child) => child.kill())))
  return {
    maxProcesses: config.maxIsolatedProcesses,
    start() {
      const child = new RuntimeChild({
        entry: task.entry,
        worker: task.worker,
        isWatched: false,
        isIsolated: true,
      })
      children.add(child)
      isolatedMetrics?.follow(child)
      void child.exited.then(() => children.delete(child))
      return child
    },
  }
}

function tellParent({ end }: Lifecycle): IsolatedRun {
  return { onBegun: () => void send({ kind: 'begun' }), onOver: end }
}

function obeyParent({ stop }: Controls): void {
  process.on('message', (message: ParentMessage) => {
    if (message.kind === 'ask') return void answer(message)
    stop('Stopped by its parent.', { isHurried: message.isHurried })
  })
  // The parent is gone, perhaps killed.
  process.once('disconnect', () => stop('Its parent is gone.'))
  // It may have gone while the modules were loaded: nobody listened then.
  if (!process.connected) stop('Its parent is gone.')
  process.on('SIGTERM', () => stop('Stopped by SIGTERM.'))
  process.on('SIGINT', () => {})
  process.on('SIGHUP', () => {})
}

async function answer({ id, question }: AskMessage): Promise<void> {
  // The process does not answer while it cannot read its health.
  const answered = await read(question).catch(() => undefined)
  await send({ kind: 'answer', id, answer: answered })
}

async function read(question: Question): Promise<unknown> {
  if (question.about === 'health') return runtime?.health()
  const exposition = runtime?.metrics?.exposition
  if (exposition === undefined) return undefined
  const [own, isolated = []] = await Promise.all([exposition.read(), isolatedMetrics?.read()])
  const all = [own, ...isolated]
  if (question.about === 'metrics') return all
  const text = await exposition.format([...all, ...question.others])
  return { contentType: exposition.contentType, text }
}

async function reportFailure(error: unknown): Promise<void> {
  const { name, message, stack } = readError(error)
  await flushImported()
  await send({ kind: 'failed', name, message, stack })
}

/** Resolves once the message is sent, so that it is not lost if the process ends right after. */
function send(message?: ChildMessage): Promise<void> {
  return new Promise((resolve) => {
    if (message === undefined || !process.connected) return resolve()
    // A parent that is gone does not need the message.
    process.send?.(message, undefined, undefined, () => resolve())
  })
}
