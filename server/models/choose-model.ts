import { type Config, ConfigError } from '../config/config.ts'
import { createAnthropicModel } from './anthropic/anthropic.ts'
import { createDemoModel } from './demo/demo.ts'
import type { Model } from '../ports/model.ts'
import { createOpenAIModel } from './openai/openai.ts'

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
  const model = settings.defaultModel === undefined ? {} : { model: settings.defaultModel }
  switch (provider) {
    case 'openai':
      return createOpenAIModel({
        ...model,
        apiKey: requireKey(provider, 'OPENAI_API_KEY', env),
        ...(env['OPENAI_BASE_URL'] ? { baseURL: env['OPENAI_BASE_URL'] } : {}),
      })
    case 'anthropic':
      return createAnthropicModel({
        ...model,
        apiKey: requireKey(provider, 'ANTHROPIC_API_KEY', env),
        ...(env['ANTHROPIC_BASE_URL'] ? { baseURL: env['ANTHROPIC_BASE_URL'] } : {}),
      })
    case 'demo':
      return createDemoModel()
  }
}

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
