import { createOpenAIModel } from '../../../server/models/openai/openai.ts'
import type { ModelChunk } from '../../../server/ports/model.ts'
import { collect, fakeProvider, streamed } from '../../support/model-provider.ts'

const URL = 'https://models.example/v1'
export const provider = fakeProvider(`${URL}/chat/completions`)
export const model = (options: { extra?: Record<string, unknown> } = {}) =>
  createOpenAIModel({ apiKey: 'sk-test', baseURL: URL, model: 'm', maxRetries: 0, ...options })
export const hello = { messages: [{ role: 'user' as const, content: 'Hello' }] }

export const frame = (value: unknown) =>
  `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`
export const choice = (fields: object) => frame({ choices: [fields] })
export const delta = (fields: object) => choice({ index: 0, delta: fields })
export const text = (content: unknown) => delta({ content })
export const finish = (reason: string | null) => choice({ index: 0, delta: {}, finish_reason: reason })
export const done = frame('[DONE]')
export const usage = frame({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } })

export const said = (chunks: readonly ModelChunk[]) => ({
  text: chunks.map((chunk) => (chunk.type === 'text' ? chunk.text : '')).join(''),
  reasoning: chunks.map((chunk) => (chunk.type === 'reasoning' ? chunk.text : '')).join(''),
  calls: chunks.flatMap((chunk) => (chunk.type === 'tool-call' ? [chunk.toolCall] : [])),
  end: chunks.at(-1),
})
export const ask = async (...frames: (string | Uint8Array)[]) => {
  provider.answerWith(streamed(frames))
  return said(await collect(model(), hello))
}
