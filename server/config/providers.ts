// The model providers: what a further one needs beside its folder in server/models and its case in choose-model.ts.

interface Provider {
  /** What people call it. */
  title: string
  keyVariable: string
  /** Of another address than the provider's own, such as a proxy's. */
  urlVariable: string
  /** Which of its models answers where none is named. */
  defaultModel: string
  /** Where it is when nothing else is said. Default: where its SDK looks for it. */
  baseURL?: string
  /** Whether it may be without a key. */
  isOpen?: boolean
  /** Which of its interfaces to speak. */
  apiVariable?: string
}

/** By the name that `modelProvider` has for it. The first whose key is set is chosen where none is asked for. */
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
/** What `modelProvider` may be. */
export const MODEL_PROVIDERS: readonly (ProviderName | 'demo')[] = [...PROVIDER_NAMES, 'demo']
export const KEY_VARIABLES = PROVIDER_NAMES.map((name) => PROVIDERS[name].keyVariable)

/** `a, b or c`. */
export function either(choices: readonly string[]): string {
  return new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(choices)
}
