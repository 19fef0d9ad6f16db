import type { RuntimeOptions } from './agent-runtime.ts'
import { ConfigError } from '../config/config-error.ts'
import { unknownSettings } from '../config/unknown-settings.ts'

// All of them: the type sees to it.
const OPTIONS: Record<keyof RuntimeOptions<never>, true> = {
  agents: true,
  config: true,
  model: true,
  models: true,
  prices: true,
  authenticate: true,
  authorize: true,
  anonymousSessions: true,
  limits: true,
  quota: true,
  retention: true,
  webhooks: true,
  conversationTitle: true,
  tracer: true,
  metrics: true,
  logger: true,
}

/** A slip in `authenticate` would let everybody in. @throws ConfigError naming what is no option. */
export function assertKnownOptions(options: object): void {
  const problems = unknownSettings({ ...options }, Object.keys(OPTIONS))
  if (problems.length > 0) throw new ConfigError(`createAgentRuntime: ${problems.join('; ')}`)
}
