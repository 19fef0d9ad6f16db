// The model providers: what a further one needs beside its folder in server/models and its case in choose-model.ts.

interface Provider {
  /** What people call it. */
  title: string
  keyVariable: string
  /** Variable for another address than the provider's own, such as a proxy's. */
  urlVariable: string
  /** The model that is used if none is named. */
  defaultModel: string
  /** Its address if no other is set. Default: that of its SDK. */
  baseURL?: string
  /** Whether it works without a key. */
  isOpen?: boolean
  /** Variable that chooses one of its APIs. */
  apiVariable?: string
}

/** By the names that `modelProvider` accepts. If none is set, the first one with a key is chosen. */
export const PROVIDERS = {
  openai: {
    title: 'OpenAI',
    keyVariable: 'OPENAI_API_KEY',
    urlVariable: 'OPENAI_BASE_URL',
    apiVariable: 'OPENAI_API',
    defaultModel: 'gpt-5.6-terra',
  },
  anthropic: {
    title: 'Anthropic',
    keyVariable: 'ANTHROPIC_API_KEY',
    urlVariable: 'ANTHROPIC_BASE_URL',
    defaultModel: 'claude-sonnet-5-5',
  },
  litellm: {
    title: 'LiteLLM',
    keyVariable: 'LITELLM_API_KEY',
    urlVariable: 'LITELLM_BASE_URL',
    defaultModel: 'gpt-5.6-terra',
    baseURL: 'http://localhost:4000',
    isOpen: true,
  },
} as const satisfies Record<string, Provider>
export type ProviderName = keyof typeof PROVIDERS

export const PROVIDER_NAMES = Object.keys(PROVIDERS) as ProviderName[]
/** Values that `modelProvider` accepts. */
export const MODEL_PROVIDERS: readonly (ProviderName | 'demo')[] = [...PROVIDER_NAMES, 'demo']
export const KEY_VARIABLES = PROVIDER_NAMES.map((name) => PROVIDERS[name].keyVariable)

/** `a, b or c`. */
export function either(choices: readonly string[]): string {
  return new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(choices)
}
