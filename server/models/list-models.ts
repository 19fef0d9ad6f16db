import { ConfigError } from '../config/config-error.ts'
import type { Model } from '../ports/model.ts'

/** A model that runs may name, by `provider/name`. */
export interface ModelInfo {
  id: string
  provider: string
  name: string
}

/** The models that are known by name, the default one first. A provider that makes models by any name has no list. */
export function listModels(
  getDefault: () => Model,
  models: Readonly<Record<string, Model | ((name: string) => Model)>>,
): ModelInfo[] {
  const own = Object.entries(models).flatMap(([provider, model]) =>
    typeof model === 'function' ? [] : [toInfo(provider, model.name)],
  )
  const first = defaultOf(getDefault)
  return [...first, ...own.filter(({ id }) => id !== first[0]?.id)]
}

/** A server without workers needs no key of a provider, and then does not know the default model. */
function defaultOf(getDefault: () => Model): ModelInfo[] {
  try {
    const { provider, name } = getDefault()
    return [toInfo(provider, name)]
  } catch (error) {
    if (error instanceof ConfigError) return []
    throw error
  }
}

const toInfo = (provider: string, name: string): ModelInfo => ({ id: `${provider}/${name}`, provider, name })
