import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { describe, expect, test } from 'vitest'
import { createAISDKModel } from '../../../server/models/ai-sdk/index.ts'
import type { Model } from '../../../server/ports/model.ts'
import { collect, fakeProvider, refused, streamed } from '../../support/model-provider.ts'
import { hello, finishOf } from './ai-sdk-scene.ts'

describe('a provider of the community', () => {
  const provider = fakeProvider('https://acme.example/v1/chat/completions')
  const create = (): Model =>
    createAISDKModel(
      createOpenAICompatible({ name: 'acme', baseURL: 'https://acme.example/v1', apiKey: 'k' })('one'),
    )
  const delta = (fields: object, finish_reason: string | null = null) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta: fields, finish_reason }] })}\n\n`

  test('gets back what it thought', async () => {
    const calling = { index: 0, id: 'c1', type: 'function', function: { name: 'add', arguments: '{"n":1}' } }
    provider.answerWith(
      streamed([
        delta({ reasoning_content: 'Add, then.' }),
        delta({ tool_calls: [calling] }),
        delta({}, 'tool_calls'),
        'data: [DONE]\n\n',
      ]),
      streamed([delta({ content: 'One.' }), delta({}, 'stop'), 'data: [DONE]\n\n']),
    )
    const model = create()
    const chunks = await collect(model, hello)
    expect(chunks).toMatchObject([
      { type: 'reasoning', text: 'Add, then.' },
      { type: 'tool-call', toolCall: { id: 'c1', name: 'add', arguments: { n: 1 } } },
      { type: 'finish', reason: 'tool-calls' },
    ])
    await collect(model, {
      messages: [
        ...hello.messages,
        {
          role: 'assistant',
          content: null,
          toolCalls: [{ id: 'own', name: 'add', arguments: { n: 1 } }],
          providerData: {
            provider: model.provider,
            toolCallIds: ['c1'],
            data: JSON.stringify(finishOf(chunks)?.providerData),
          },
        },
        { role: 'tool', toolCallId: 'own', content: '1' },
      ],
    })
    expect(provider.bodies[1]).toMatchObject({
      messages: [
        { role: 'user', content: 'Hello' },
        {
          role: 'assistant',
          reasoning_content: 'Add, then.',
          tool_calls: [{ id: 'c1', function: { name: 'add', arguments: '{"n":1}' } }],
        },
        { role: 'tool', tool_call_id: 'c1', content: '1' },
      ],
    })
  })

  test.each([
    [429, {}, { code: 'rate_limited', retryAfterMs: 7_000, status: 429 }],
    [503, {}, { code: 'overloaded', retriable: true }],
    [401, { error: { message: 'no' } }, { code: 'access_denied', retriable: false }],
    [400, { error: { message: 'x', code: 'context_length_exceeded' } }, { code: 'context_overflow' }],
    [400, { error: { message: 'blocked', type: 'content_filter' } }, { code: 'refused' }],
    [404, { error: { message: 'no such model', code: 'model_not_found' } }, { code: 'not_found' }],
  ])('that answers %i has the code of its error', async (status, body, expected) => {
    provider.answerWith(refused(status, body, { 'retry-after': '7' }))
    await expect(collect(create(), hello)).rejects.toMatchObject(expected)
  })

  test('whose connection breaks, or whose stream ends early, is asked again', async () => {
    provider.answerWith(streamed([delta({ content: 'Hal' })], 'broken'))
    await expect(collect(create(), hello)).rejects.toMatchObject({ retriable: true })
    provider.answerWith(streamed([delta({ content: 'Hal' })]))
    await expect(collect(create(), hello)).rejects.toMatchObject({ retriable: true })
  })
})
