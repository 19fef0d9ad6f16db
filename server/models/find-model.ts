import { ConfigError } from '../config/config-error.ts'
import { MODEL_PROVIDERS, PROVIDERS, PROVIDER_NAMES, either } from '../config/providers.ts'
import { ModelError } from '../ports/model.ts'
import type { Model } from '../ports/model.ts'
import { chooseModel, modelOf } from './choose-model.ts'

interface Finder {
  /** Providers of the application's own, by their names. */
  models: Readonly<Record<string, Model | ((name: string) => Model)>>
  /** The runtime's default model. */
  getDefault(): Model
}

/**
 * Finds models by names such as `anthropic/claude-sonnet-5-5`: the provider and, behind the first slash, what it calls the model.
 * A provider alone stands for its default model. Each model is made once.
 *
 * @throws ModelError, when a model is looked for, that says what there is, or which key is missing.
 */
export function createModelFinder(
  { models, getDefault }: Finder,
  env: Record<string, string | undefined> = process.env,
): (id: string) => Model {
  const found = new Map<string, Model>()

  function make(id: string): Model {
    const slash = id.indexOf('/')
    const provider = slash === -1 ? id : id.slice(0, slash)
    const name = slash === -1 ? undefined : id.slice(slash + 1)
    if (Object.hasOwn(models, provider)) {
      const own = models[provider] as Model | ((name: string) => Model)
      return typeof own === 'function' ? own(name ?? '') : own
    }
    if (provider === 'demo') return chooseModel({ modelProvider: 'demo' }, env)
    const known = PROVIDER_NAMES.find((each) => each === provider)
    if (known !== undefined && name !== '') return modelOf(known, name ?? PROVIDERS[known].defaultModel, env)
    const names = either([...MODEL_PROVIDERS, ...Object.keys(models)].map((each) => `"${each}/…"`))
    throw new ModelError(`There is no model "${id}": expected ${names}.`, {
      code: 'not_found',
      retriable: false,
    })
  }

  return (id) => {
    const known = found.get(id)
    if (known !== undefined) return known
    const fallback = getDefault()
    if (id === `${fallback.provider}/${fallback.name}`) return fallback
    try {
      const made = make(id)
      found.set(id, made)
      return made
    } catch (error) {
      // Other runs do without this model, so only this run fails.
      if (!(error instanceof ConfigError)) throw error
      throw new ModelError(error.message, { code: 'access_denied', retriable: false, cause: error })
    }
  }
}
