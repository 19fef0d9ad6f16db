import { type Config, ConfigError } from '../config/config.ts'
import type { Model } from '../ports/model.ts'
import { createDeferredModel } from './deferred.ts'
import { createDemoModel } from './demo/demo.ts'
import { DEFAULT_MODELS } from './provider/default-models.ts'

/**
 * The runtime's default model: by `modelProvider`, else by the API key that is set, OpenAI's before
 * Anthropic's, else the built-in demo model.
 *
 * @throws ConfigError when the provider that was asked for has no API key.
 */
export function chooseModel(
  settings: Partial<Pick<Config, 'modelProvider' | 'defaultModel'>>,
  env: Record<string, string | undefined> = process.env,
): Model {
  const provider = settings.modelProvider ?? providerByKey(env)
  if (provider === 'demo') return createDemoModel()
  const model = settings.defaultModel ?? DEFAULT_MODELS[provider]
  const prefix = PREFIXES[provider]
  const apiKey = requireKey(provider, `${prefix}_API_KEY`, env)
  const baseURL = env[`${prefix}_BASE_URL`]
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

/** Of the variables that tell of a provider. */
const PREFIXES = { openai: 'OPENAI', anthropic: 'ANTHROPIC' } as const

function providerByKey(env: Record<string, string | undefined>): NonNullable<Config['modelProvider']> {
  if (env['OPENAI_API_KEY']) return 'openai'
  if (env['ANTHROPIC_API_KEY']) return 'anthropic'
  return 'demo'
}

function requireKey(provider: string, variable: string, env: Record<string, string | undefined>): string {
  const key = env[variable]
  if (key) return key
  throw new ConfigError(`The model provider is "${provider}" (MODEL_PROVIDER), but ${variable} is not set.`)
}
