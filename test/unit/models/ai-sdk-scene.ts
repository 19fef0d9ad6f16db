import { convertArrayToReadableStream, MockLanguageModelV4 } from 'ai/test'
import { createAISDKModel } from '../../../server/models/ai-sdk/index.ts'
import type { ModelChunk, ModelRequest } from '../../../server/ports/model.ts'

export type Part =
  Extract<Awaited<ReturnType<MockLanguageModelV4['doStream']>>, object>['stream'] extends ReadableStream<
    infer T
  >
    ? T
    : never

const usage = {
  inputTokens: { total: 10, noCache: 4, cacheRead: 5, cacheWrite: 1 },
  outputTokens: { total: 7, text: 4, reasoning: 3 },
}
export const finish = (unified: 'stop' | 'tool-calls' | 'error' | 'other' = 'stop', raw?: string): Part => ({
  type: 'finish',
  usage,
  finishReason: { unified, raw },
})
export const text = (delta: string, id = '0'): Part[] => [
  { type: 'text-start', id },
  { type: 'text-delta', id, delta },
  { type: 'text-end', id },
]

export function mock(...parts: readonly Part[]) {
  const sdk = new MockLanguageModelV4({
    provider: 'acme.chat',
    modelId: 'one',
    supportedUrls: { 'image/*': [/^https:\/\/pictures\.example\//] },
    doStream: async () => ({ stream: convertArrayToReadableStream([...parts]) }),
  })
  return { sdk, model: createAISDKModel(sdk) }
}

export const hello: ModelRequest = { messages: [{ role: 'user', content: 'Hello' }] }
export const finishOf = (chunks: readonly ModelChunk[]) =>
  chunks.find((chunk): chunk is Extract<ModelChunk, { type: 'finish' }> => chunk.type === 'finish')
