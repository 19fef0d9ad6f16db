import type { AgentRuntime } from '../agent-runtime.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { WorkerOptions } from './options.ts'

/** Connects a runtime, until the end of the command. */
export async function startRuntime(runtime: AgentRuntime, lifecycle: Lifecycle): Promise<void> {
  lifecycle.defer(() => runtime.stop())
  await runtime.start()
  lifecycle.signal.throwIfAborted()
}

/** Executes runs, until the end of the command. */
export async function startWorker(
  runtime: AgentRuntime,
  { concurrency, agentKeys, queuePollInterval, drainTimeout }: WorkerOptions,
  lifecycle: Lifecycle,
): Promise<void> {
  const worker = await runtime.startWorker({
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(agentKeys === undefined ? {} : { agentKeys }),
    ...(queuePollInterval === undefined ? {} : { pollIntervalSeconds: queuePollInterval }),
  })
  lifecycle.defer(() => worker.stop({ drainTimeoutMs: lifecycle.isHurried ? 0 : drainTimeout * 1000 }))
  lifecycle.signal.throwIfAborted()
}
