import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ConfigError } from '../../../server/config/config-error.ts'
import { environmentWarnings, resolveConfig } from '../../../server/config/resolve-config.ts'
import { PROVIDERS, PROVIDER_NAMES } from '../../../server/config/providers.ts'
import { createAnthropicModel } from '../../../server/models/anthropic/anthropic.ts'
import { chooseModel } from '../../../server/models/choose-model.ts'
import { notEmpty } from '../../../server/ports/optional-peer.ts'
import { sdkMissing } from '../../../server/models/provider/sdk-missing.ts'
import { createOpenAIModel } from '../../../server/models/openai/openai.ts'
import { collect, fakeProvider, refused } from '../../support/model-provider.ts'

const OPENAI_API_KEY = 'sk-test-openai'
const ANTHROPIC_API_KEY = 'sk-test-anthropic'

describe('the default model', () => {
  test.for([
    [{}, {}, 'demo', 'demo-rules'],
    [{}, { OPENAI_API_KEY }, 'openai', 'gpt-5.6-terra'],
    [{}, { ANTHROPIC_API_KEY }, 'anthropic', 'claude-sonnet-5-5'],
    [{}, { OPENAI_API_KEY, ANTHROPIC_API_KEY }, 'openai', 'gpt-5.6-terra'],
    [{}, { OPENAI_API_KEY: '' }, 'demo', 'demo-rules'],
    [{ modelProvider: 'anthropic' }, { OPENAI_API_KEY, ANTHROPIC_API_KEY }, 'anthropic', 'claude-sonnet-5-5'],
    [{ modelProvider: 'demo' }, { OPENAI_API_KEY }, 'demo', 'demo-rules'],
    [{ defaultModel: 'gpt-x' }, { OPENAI_API_KEY }, 'openai', 'gpt-x'],
  ] as const)('with %o and %o is %s %s', ([settings, env, provider, name]) => {
    expect(chooseModel(settings, env)).toMatchObject({ provider, name })
  })

  test.for(['openai', 'anthropic'] as const)('of %s needs its key, and says which', (modelProvider) => {
    const variable = `${modelProvider.toUpperCase()}_API_KEY`
    expect(() => chooseModel({ modelProvider }, {})).toThrow(
      new ConfigError(
        `The model provider is "${modelProvider}" (MODEL_PROVIDER), but ${variable} is not set.`,
      ),
    )
  })
})

describe('the interface of OpenAI', () => {
  const provider = fakeProvider('https://api.openai.com/v1/*')

  test.for([
    [{}, 'messages'],
    [{ OPENAI_API: '' }, 'messages'],
    [{ OPENAI_API: 'responses' }, 'input'],
  ] as const)('with %o is the one with %s', async ([env, field]) => {
    provider.answerWith(refused(401, {}))
    const asked = collect(chooseModel({}, { OPENAI_API_KEY, ...env }), { messages: [] })
    await expect(asked).rejects.toMatchObject({ code: 'access_denied' })
    expect(provider.bodies[0]).toHaveProperty(field)
  })

  test('is refused by name where there is no such', () => {
    expect(() => chooseModel({}, { OPENAI_API_KEY, OPENAI_API: 'assistants' })).toThrow(
      new ConfigError('OPENAI_API is "assistants": expected "chat" or "responses".'),
    )
  })
})

describe('a provider', () => {
  test.for(PROVIDER_NAMES)('is chosen by the key of %s, before those that come after it', (name) => {
    const { keyVariable, defaultModel } = PROVIDERS[name]
    const later = PROVIDER_NAMES.slice(PROVIDER_NAMES.indexOf(name) + 1)
    const keys = Object.fromEntries(later.map((other) => [PROVIDERS[other].keyVariable, 'sk-later']))
    const chosen = { provider: name, name: defaultModel }
    expect(chooseModel({}, { ...keys, [keyVariable]: 'sk-test' })).toMatchObject(chosen)
    expect(resolveConfig({ modelProvider: name }, {}).modelProvider).toBe(name)
    expect(environmentWarnings({ [`${keyVariable}S`]: 'sk-test' }).join()).toContain(keyVariable)
  })

  test('that does not exist is refused with those that do', () => {
    expect(() => resolveConfig({ modelProvider: 'none' as 'demo' }, {})).toThrow(
      'expected "openai", "anthropic", "litellm" or "demo"',
    )
  })
})

describe('a model made by hand', () => {
  beforeEach(() => {
    vi.stubEnv('OPENAI_API_KEY', undefined)
    vi.stubEnv('ANTHROPIC_API_KEY', undefined)
  })
  afterEach(() => void vi.unstubAllEnvs())

  test('needs a key, and says so at once', () => {
    expect(() => createOpenAIModel()).toThrow(ConfigError)
    expect(() => createAnthropicModel()).toThrow(ConfigError)
  })
})

describe('a provider whose package is not installed', () => {
  test.for(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'])('says how to install it: %s', (code) => {
    const missing = Object.assign(new Error('Cannot find package'), { code })
    expect(sdkMissing('openai', missing)).toMatchObject({
      name: 'ModelError',
      message: 'This model client needs the package "openai": npm install openai',
      retriable: false,
    })
  })

  test.for([{}, { default: {} }])('is told by the module that is in its place: %o', (empty) => {
    expect(() => notEmpty(empty)).toThrow(expect.objectContaining({ code: 'MODULE_NOT_FOUND' }))
    expect(notEmpty({ ...empty, OpenAI: Object })).toHaveProperty('OpenAI')
  })

  test('is not confused with a package that fails', () => {
    const broken = new Error('syntax')
    expect(sdkMissing('openai', broken)).toBe(broken)
  })
})
