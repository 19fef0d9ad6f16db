// The entry `trpc-agent-runtime/ai-sdk-agent`.
export { runAISDK } from './run-ai-sdk.ts'
export type { AISDKCall, AISDKContext, AISDKParts, AISDKResult, AISDKStream } from './run-ai-sdk.ts'
export type { AISDKMessage } from './messages.ts'
export type { StreamingModel } from './storing-model.ts'
