import { chooseAgents } from '../agent/agents-by-key.ts'
import type { AnyAgent } from '../agent/agent.ts'
import type { Config } from '../config/config.ts'
import type { Logger } from '../ports/logger.ts'
import type { RunsAtOnce } from '../ports/runs-at-once.ts'
import { Worker } from '../worker/worker.ts'
import type { WorkerPorts } from '../worker/worker.ts'
import type { WorkerOptions } from './agent-runtime.ts'

type Ports = Omit<
  WorkerPorts,
  'cancelGraceMs' | 'modelIdleTimeoutMs' | 'modelPatienceMs' | 'memoryBounds' | 'random' | 'children'
>

/** A worker as the configuration has it, but for what its options say. */
export function createWorker(
  ports: Ports,
  given: {
    config: Config
    agents: ReadonlyMap<string, AnyAgent>
    runsAtOnce: RunsAtOnce
    options: WorkerOptions
  },
): Worker {
  const { config, options } = given
  const { isolation, isolated } = options
  const agents = chooseAgents(given.agents, options.agentKeys)
  if (isolation === undefined && isolated === undefined) warnOfIsolation([...agents.values()], ports.log)
  return new Worker(
    {
      ...ports,
      cancelGraceMs: config.cancelGraceSeconds * 1000,
      modelIdleTimeoutMs: config.modelIdleTimeoutSeconds ? config.modelIdleTimeoutSeconds * 1000 : Infinity,
      modelPatienceMs: config.modelPatienceSeconds ? config.modelPatienceSeconds * 1000 : 0,
      memoryBounds: {
        maxBytes: config.maxMemoryBytes,
        perPrincipal: config.memoriesPerPrincipal,
        perTenant: config.memoriesPerTenant,
      },
      random: Math.random,
      children: {
        agents: given.agents,
        maxAttempts: config.maxAttempts,
        timeoutMs: Math.round(config.runTimeoutSeconds * 1000),
        runsAtOnce: given.runsAtOnce,
        maxDepth: config.maxRunDepth,
        maxChildren: config.maxChildRuns,
        maxBelow: config.maxRunsBelow,
      },
    },
    {
      agents,
      concurrency: options.concurrency ?? config.concurrency,
      pollIntervalMs: (options.pollIntervalSeconds ?? config.queuePollIntervalSeconds) * 1000,
      leaseTtlMs: config.leaseTtlSeconds * 1000,
      isolation,
      isolated,
    },
  )
}

function warnOfIsolation(agents: readonly AnyAgent[], log: Logger): void {
  const agentKeys = agents.flatMap(({ key, isolation }) => (isolation === 'process' ? [key] : []))
  if (agentKeys.length === 0) return
  log.warn(
    { agentKeys },
    'agents ask for processes of their own, which this worker can not start: it executes them all in this one. `agent-runtime worker` can.',
  )
}
