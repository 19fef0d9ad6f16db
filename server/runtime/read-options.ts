import type { AnyAgent } from '../agent/agent.ts'
import { agentsByKey } from '../agent/agents-by-key.ts'
import type { Config } from '../config/config.ts'
import { checkFileTime } from '../config/file-time.ts'
import { checkPrices } from '../config/prices.ts'
import type { Prices } from '../config/prices.ts'
import { resolveConfig } from '../config/resolve-config.ts'
import { checkWebhookHosts, checkWebhooks } from '../config/webhooks.ts'
import { MAX_UPLOAD_MS } from '../domain/files.ts'
import { PRICES } from '../models/prices.ts'
import type { RuntimeOptions } from './agent-runtime.ts'
import { assertKnownOptions } from './known-options.ts'

interface CheckedOptions {
  config: Config
  prices: Prices
  /** The registry adds to it when the runtime starts. */
  agents: Map<string, AnyAgent>
}

/** Checks what a runtime is given, and fills in what was left out. @throws ConfigError */
export function readOptions(options: RuntimeOptions<readonly AnyAgent[]>): CheckedOptions {
  const config = resolveConfig(options.config)
  assertKnownOptions(options)
  checkWebhooks(options.webhooks ?? [])
  checkWebhookHosts(config)
  checkFileTime(config, MAX_UPLOAD_MS)
  const { prices = PRICES } = options
  checkPrices(prices)
  return { config, prices, agents: new Map(agentsByKey(options.agents)) }
}
