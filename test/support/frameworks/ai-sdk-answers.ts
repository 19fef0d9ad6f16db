import { MockLanguageModelV4, simulateReadableStream } from 'ai/test'

const USAGE = {
  inputTokens: { total: 90, noCache: 90, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 20, text: 20, reasoning: 0 },
}

type Answer = Awaited<ReturnType<MockLanguageModelV4['doStream']>>
type Chunk = Answer['stream'] extends ReadableStream<infer T> ? T : never

export function answerOf(chunks: Chunk[], reason: 'stop' | 'tool-calls' | 'error' = 'stop'): Answer {
  const finish: Chunk = { type: 'finish', usage: USAGE, finishReason: { unified: reason, raw: reason } }
  return { stream: simulateReadableStream({ chunks: [...chunks, finish] }) }
}

export const textChunks = (text: string): Chunk[] => [
  { type: 'text-start', id: '1' },
  { type: 'text-delta', id: '1', delta: text.slice(0, 2) },
  { type: 'text-delta', id: '1', delta: text.slice(2) },
  { type: 'text-end', id: '1' },
]

export const saysInAISDK = (text: string): Answer => answerOf(textChunks(text))

const callChunk = (toolName: string, input: object, toolCallId: string): Chunk => ({
  type: 'tool-call',
  toolCallId,
  toolName,
  input: JSON.stringify(input),
})

export const callsTool = (toolName: string, input: object, toolCallId: string): Answer =>
  answerOf([callChunk(toolName, input, toolCallId)], 'tool-calls')

/** Gives these answers in order. An error is thrown. */
export function scriptedAISDKModel(
  answers: readonly (Answer | Error)[],
  onAsked: () => void = () => {},
): MockLanguageModelV4 {
  const left = [...answers]
  return new MockLanguageModelV4({
    async doStream() {
      onAsked()
      const next = left.shift()
      if (next === undefined) throw new Error('The model has no more answers.')
      if (next instanceof Error) throw next
      return next
    },
  })
}
