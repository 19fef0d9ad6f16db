/** Which model of a provider answers where none is named. */
export const DEFAULT_MODELS = { openai: 'gpt-5.6-terra', anthropic: 'claude-sonnet-5-5' } as const
