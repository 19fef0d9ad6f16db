// Several worker processes under one: a Node process uses one core, so a machine runs as many as it has.
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { CliError } from './cli-error.ts'
import type { Lifecycle } from './lifecycle.ts'

const RESTART_MIN_MS = 200
const RESTART_MAX_MS = 30_000
/** A process that went on this long was sound: should it die, its successor starts without delay. */
const SOUND_AFTER_MS = 30_000

const READY = 'ready'

/**
 * Runs this command `count` times, each as a process of its own, until the command is to end. One that
 * dies is started again, later each time; one that never could start ends the command.
 */
export async function superviseProcesses(count: number, lifecycle: Lifecycle): Promise<void> {
  const children = new Set<ChildProcess>()
  const supervised = Array.from({ length: count }, (_, index) =>
    keepRunning(index + 1, { children, lifecycle }),
  )
  lifecycle.defer(async () => {
    for (const child of children) child.kill('SIGTERM')
    await Promise.all(supervised)
  })
  lifecycle.deferUrgent(async () => {
    for (const child of children) child.kill('SIGKILL')
  })
}

async function keepRunning(
  number: number,
  { children, lifecycle }: { children: Set<ChildProcess>; lifecycle: Lifecycle },
): Promise<void> {
  let delayMs = RESTART_MIN_MS
  let wasReady = false
  while (!lifecycle.signal.aborted) {
    const startedAt = performance.now()
    const [script = '', ...args] = process.argv.slice(1)
    const child = fork(script, [...args, '--processes', '1'])
    children.add(child)
    child.once('message', (message) => (wasReady ||= message === READY))
    const how = await ended(child)
    children.delete(child)
    if (lifecycle.signal.aborted) return
    // It has said why itself.
    if (!wasReady) return lifecycle.fail(new CliError(`Worker process ${number} could not start.`))
    if (performance.now() - startedAt > SOUND_AFTER_MS) delayMs = RESTART_MIN_MS
    process.stderr.write(
      `Worker process ${number} ended with ${how}; starting it again in ${delayMs / 1000} s\n`,
    )
    await sleep(delayMs, undefined, { signal: lifecycle.signal }).catch(() => undefined)
    delayMs = Math.min(delayMs * 2, RESTART_MAX_MS)
  }
}

function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
    child.once('error', (error) => resolve(error.message))
  })
}

/** For a process that may be supervised: tells that it works, and ends when nobody supervises it any more. */
export function reportToSupervisor(): void {
  if (process.send === undefined) return
  process.send(READY)
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
}
