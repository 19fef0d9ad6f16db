import { type Config } from '../config/config.ts'
import { ConfigError } from '../config/config-error.ts'
import { PROVIDERS, PROVIDER_NAMES, type ProviderName } from '../config/providers.ts'
import type { Model } from '../ports/model.ts'
import { createDeferredModel } from './deferred.ts'
import { createDemoModel } from './demo/demo.ts'

type Environment = Record<string, string | undefined>

/**
 * The runtime's default model: by `modelProvider`, else by the API key that is set, in the
 * order of {@link PROVIDERS}, else the built-in demo model.
 *
 * @throws ConfigError when the provider that was asked for has no API key.
 */
export function chooseModel(
  settings: Partial<Pick<Config, 'modelProvider' | 'defaultModel'>>,
  env: Environment = process.env,
): Model {
  const provider = settings.modelProvider ?? PROVIDER_NAMES.find((name) => env[PROVIDERS[name].keyVariable])
  if (provider === undefined || provider === 'demo') return createDemoModel()
  return modelOf(provider, settings.defaultModel ?? PROVIDERS[provider].defaultModel, env)
}

/** @throws ConfigError when the provider has no API key, and needs one. */
export function modelOf(provider: ProviderName, model: string, env: Environment = process.env): Model {
  const known: (typeof PROVIDERS)[ProviderName] & { baseURL?: string; isOpen?: boolean } = PROVIDERS[provider]
  const { keyVariable, urlVariable } = known
  const apiKey = env[keyVariable] || (known.isOpen === true ? 'none' : requireKey(provider, keyVariable))
  const baseURL = env[urlVariable] || known.baseURL
  const api = provider === 'openai' ? openAIInterface(env) : undefined
  const options = { model, apiKey, ...(baseURL ? { baseURL } : {}) }
  return createDeferredModel({ provider, name: model }, async () => {
    switch (provider) {
      case 'openai':
        return (await import('./openai/index.ts')).createOpenAIModel({ ...options, ...(api && { api }) })
      case 'litellm':
        return (await import('./openai/index.ts')).createOpenAIModel({ ...options, provider })
      case 'anthropic':
        return (await import('./anthropic/index.ts')).createAnthropicModel(options)
    }
  })
}

/** @throws ConfigError for one that there is not. */
function openAIInterface(env: Environment): 'chat' | 'responses' {
  const { apiVariable } = PROVIDERS.openai
  const wanted = env[apiVariable] || 'chat'
  if (wanted === 'chat' || wanted === 'responses') return wanted
  throw new ConfigError(`${apiVariable} is "${wanted}": expected "chat" or "responses".`)
}

function requireKey(provider: string, variable: string): never {
  throw new ConfigError(`The model provider is "${provider}" (MODEL_PROVIDER), but ${variable} is not set.`)
}
