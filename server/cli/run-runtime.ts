import type { AgentRuntime, Worker, WorkerOptions as RuntimeWorkerOptions } from '../runtime/agent-runtime.ts'
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
  {
    lifecycle,
    ...isolation
  }: { lifecycle: Lifecycle } & Pick<RuntimeWorkerOptions, 'isolation' | 'isolated'>,
): Promise<Worker> {
  const worker = await runtime.startWorker({
    ...isolation,
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(agentKeys === undefined ? {} : { agentKeys }),
    ...(queuePollInterval === undefined ? {} : { pollIntervalSeconds: queuePollInterval }),
  })
  lifecycle.defer(() => {
    const { isHurried, hasCrashed } = lifecycle
    return worker.stop({ drainTimeoutMs: isHurried ? 0 : drainTimeout * 1000, hasCrashed })
  })
  lifecycle.signal.throwIfAborted()
  return worker
}
