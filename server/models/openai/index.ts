export { createOpenAIModel } from './openai.ts'
export type { OpenAIModelOptions } from './openai.ts'
export type { Model } from '../../ports/model.ts'
