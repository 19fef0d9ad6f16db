// The entry `trpc-agent-runtime/ai-sdk`.
export { createAISDKModel } from './ai-sdk.ts'
export type { AISDKLanguageModel, AISDKModelOptions } from './ai-sdk.ts'
export type { Model } from '../../ports/model.ts'
