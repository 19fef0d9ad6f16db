import { type Config, ConfigError } from '../config/config.ts'
import { PROVIDERS, PROVIDER_NAMES } from '../config/providers.ts'
import type { Model } from '../ports/model.ts'
import { createDeferredModel } from './deferred.ts'
import { createDemoModel } from './demo/demo.ts'

/**
 * The runtime's default model: by `modelProvider`, else by the API key that is set, in the
 * order of {@link PROVIDERS}, else the built-in demo model.
 *
 * @throws ConfigError when the provider that was asked for has no API key.
 */
export function chooseModel(
  settings: Partial<Pick<Config, 'modelProvider' | 'defaultModel'>>,
  env: Record<string, string | undefined> = process.env,
): Model {
  const provider = settings.modelProvider ?? PROVIDER_NAMES.find((name) => env[PROVIDERS[name].keyVariable])
  if (provider === undefined || provider === 'demo') return createDemoModel()
  const { keyVariable, urlVariable, defaultModel } = PROVIDERS[provider]
  const model = settings.defaultModel ?? defaultModel
  const apiKey = requireKey(provider, keyVariable, env)
  const baseURL = env[urlVariable]
  const options = { model, apiKey, ...(baseURL ? { baseURL } : {}) }
  return createDeferredModel({ provider, name: model }, async () => {
    switch (provider) {
      case 'openai':
        return (await import('./openai/index.ts')).createOpenAIModel(options)
      case 'anthropic':
        return (await import('./anthropic/index.ts')).createAnthropicModel(options)
    }
  })
}

function requireKey(provider: string, variable: string, env: Record<string, string | undefined>): string {
  const key = env[variable]
  if (key) return key
  throw new ConfigError(`The model provider is "${provider}" (MODEL_PROVIDER), but ${variable} is not set.`)
}
