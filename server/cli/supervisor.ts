// Several worker processes under one: a Node process uses one core, so a machine runs as many as it has.
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../adapters/system-clock.ts'
import type { ChildTask, ReadyRuntime } from './child/messages.ts'
import { RuntimeChild } from './child/runtime-child.ts'
import { reportError } from './cli-error.ts'
import type { Lifecycle } from './lifecycle.ts'
import { RestartDelay } from './restart-delay.ts'
import { BLOCKED_AFTER_MS, untilBlocked } from './until-blocked.ts'

interface Supervision {
  task: ChildTask
  children: Set<RuntimeChild>
  lifecycle: Lifecycle
  onReady: (ready: ReadyRuntime) => void
}

/**
 * Runs a worker `count` times, each as a process of its own, until the command is to end. One that dies
 * is started again, later each time; one that never could start ends the command.
 */
export async function superviseProcesses(
  count: number,
  { task, lifecycle, onReady }: Omit<Supervision, 'children'>,
): Promise<void> {
  const children = new Set<RuntimeChild>()
  const supervised = Array.from({ length: count }, (_, index) =>
    keepRunning(index + 1, { task, children, lifecycle, onReady }),
  )
  lifecycle.defer(async () => {
    for (const child of children) void child.stop({ isHurried: lifecycle.isHurried })
    await Promise.all(supervised)
  })
  lifecycle.deferUrgent(() => Promise.all([...children].map((child) => child.kill())))
}

async function endWhenBlocked(number: number, child: RuntimeChild): Promise<void> {
  const ended = new AbortController()
  void child.exited.then(() => ended.abort())
  if (!(await untilBlocked(child, { clock: systemClock, ended: ended.signal }))) return
  process.stderr.write(
    `Worker process ${number} has not answered for ${BLOCKED_AFTER_MS / 1000} s: an agent blocks it. Killing it.\n`,
  )
  await child.kill()
}

async function keepRunning(
  number: number,
  { task, children, lifecycle, onReady }: Supervision,
): Promise<void> {
  const delay = new RestartDelay()
  let wasReady = false
  while (!lifecycle.signal.aborted) {
    const child = new RuntimeChild(task)
    children.add(child)
    try {
      onReady(await child.ready)
      wasReady = true
      void endWhenBlocked(number, child)
    } catch (error) {
      if (lifecycle.signal.aborted) return void (await child.exited)
      if (wasReady) reportError(error)
      else lifecycle.fail(error)
    }
    const how = await child.exited
    children.delete(child)
    if (lifecycle.signal.aborted) return
    const delayMs = delay.after(performance.now() - child.startedAt)
    process.stderr.write(
      `Worker process ${number} ended with ${how}; starting it again in ${delayMs / 1000} s\n`,
    )
    await sleep(delayMs, undefined, { signal: lifecycle.signal }).catch(() => undefined)
  }
}
