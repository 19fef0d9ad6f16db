export { createAnthropicModel } from './anthropic.ts'
export type { AnthropicModelOptions } from './anthropic.ts'
export { fromAnthropicMessages } from './from-anthropic.ts'
export type { Model } from '../../ports/model.ts'
