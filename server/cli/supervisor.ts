// Supervises worker processes. The supervisor itself executes no runs. It answers signals, kills a process
// that an agent blocks, and starts processes again that died. There are several, because a Node process uses
// one core.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChildTask, ReadyRuntime } from './child/messages.ts'
import { RuntimeChild } from './child/runtime-child.ts'
import { reportError } from './cli-error.ts'
import type { Lifecycle } from './lifecycle.ts'
import { RestartDelay } from './restart-delay.ts'

interface Supervision {
  task: ChildTask
  /** Filled with the running processes. */
  children: Set<RuntimeChild>
  lifecycle: Lifecycle
  onReady: (ready: ReadyRuntime) => void
}

/**
 * Runs `count` workers, each in a process of its own, until the command should end. A process that dies is
 * started again, later each time. If a process cannot start at all, the command ends.
 */
export async function superviseProcesses(
  count: number,
  { task, children, lifecycle, onReady }: Supervision,
): Promise<void> {
  const supervised = Array.from({ length: count }, (_, index) =>
    keepRunning(index + 1, { task, children, lifecycle, onReady }),
  )
  lifecycle.defer(async () => {
    for (const child of children) void child.stop({ isHurried: lifecycle.isHurried })
    await Promise.all(supervised)
  })
  lifecycle.deferUrgent(() => Promise.all([...children].map((child) => child.kill())))
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
