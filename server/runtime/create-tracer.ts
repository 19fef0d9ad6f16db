import { ConfigError } from '../config/config-error.ts'
import type { Config } from '../config/config.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { Metrics } from '../ports/metrics.ts'
import { noTracer } from '../ports/no-tracer.ts'
import type { Tracer } from '../ports/tracer.ts'
import { harmlessTracer } from '../telemetry/harmless-tracer.ts'
import { langfuse } from '../telemetry/langfuse/index.ts'
import { measuredTracer } from '../telemetry/metrics/measured-tracer.ts'
import type { Part } from './start-stop.ts'

interface Ports {
  clock: Clock
  log: Logger
  metrics: Metrics | undefined
}

/** How long what is not sent yet may keep a process at its end, in milliseconds. */
const STOP_WITHIN_MS = 2_000

/**
 * The tracer that is given or configured, whose faults change nothing, and the part that prepares it and has it send the rest.
 *
 * @throws ConfigError when one is given and another configured, or a key of that is missing.
 */
export function createTracer(
  given: Tracer | undefined,
  config: Config,
  { clock, log, metrics }: Ports,
): { tracer: Tracer; part: Part } {
  if (given !== undefined && config.langfuseEnabled) {
    throw new ConfigError('createAgentRuntime: tracer and LANGFUSE_ENABLED both trace runs; leave one out.')
  }
  const chosen = given ?? configured(config)
  async function sendRest(): Promise<void> {
    try {
      await chosen?.stop?.()
    } catch (error) {
      log.warn({ err: error }, 'traces were not sent')
    }
  }

  const harmless = chosen === undefined ? noTracer : harmlessTracer(chosen, log, clock.now)
  return {
    tracer: metrics === undefined ? harmless : measuredTracer(harmless, metrics),
    part: {
      start: async () => chosen?.prepare?.(),
      async stop() {
        const timeUp = new AbortController()
        await Promise.race([sendRest(), clock.sleep(STOP_WITHIN_MS, timeUp.signal)])
        timeUp.abort()
      },
    },
  }
}

function configured(config: Config): Tracer | undefined {
  if (!config.langfuseEnabled) return undefined
  const { langfusePublicKey: publicKey, langfuseSecretKey: secretKey, langfuseHost: host } = config
  return langfuse({ publicKey, secretKey, host })
}
