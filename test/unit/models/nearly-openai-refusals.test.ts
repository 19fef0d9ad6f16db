import { describe, expect, test, vi } from 'vitest'
import { collect, refused, streamed } from '../../support/model-provider.ts'
import { provider, model, hello, text, finish, done } from './nearly-openai-scene.ts'

describe('a refusal', () => {
  const answer = streamed([text('Hi'), finish('stop'), done])
  const asked = { ...hello, temperature: 0.5, maxOutputTokens: 10 }
  const unsupported = (field: string) =>
    refused(400, {
      error: { message: `Unsupported parameter: '${field}' is not supported with this model.`, param: field },
    })

  test.for<[string, object]>([
    ['OpenAI', { error: { message: 'Unsupported value', param: 'temperature', code: 'unsupported_value' } }],
    ['Gemini', [{ error: { code: 400, message: 'Unknown name "temperature"', status: 'INVALID_ARGUMENT' } }]],
    [
      'Mistral',
      {
        detail: [
          { type: 'extra_forbidden', loc: ['body', 'temperature'], msg: 'Extra inputs are not permitted' },
        ],
      },
    ],
    ['vLLM', { object: 'error', message: 'temperature: unexpected field', code: 400 }],
    ['others', { error: 'temperature is not supported' }],
  ])('in the form of %s is understood', async ([, body]) => {
    provider.answerWith(refused(400, body), answer)
    await collect(model(), asked)
    expect(provider.bodies.map((sent) => sent['temperature'])).toEqual([0.5, undefined])
  })

  test('is heeded from then on, by this model at this server alone, for an hour', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const [one, other] = [model(), model()]
      provider.answerWith(unsupported('stream_options'), unsupported('max_completion_tokens'), answer)
      await collect(one, asked)
      provider.answerWith(answer, answer, answer)
      await collect(one, asked)
      await collect(other, asked)
      vi.advanceTimersByTime(3_600_001)
      await collect(one, asked)
      const limits = provider.bodies.map((body) => [
        'stream_options' in body,
        body['max_completion_tokens'],
        body['max_tokens'],
      ])
      expect(limits).toEqual([
        [true, 10, undefined],
        [false, 10, undefined],
        [false, undefined, 10],
        [false, undefined, 10],
        [true, 10, undefined],
        [true, 10, undefined],
      ])
    } finally {
      vi.useRealTimers()
    }
  })

  test('of what was asked for by name, or for another reason, stays one', async () => {
    provider.answerWith(unsupported('temperature'))
    await expect(collect(model({ extra: { temperature: 2 } }), hello)).rejects.toMatchObject({ status: 400 })
    provider.answerWith(refused(400, { error: { message: 'temperature must be at most 1' } }))
    await expect(collect(model(), asked)).rejects.toMatchObject({ code: 'invalid_request' })
    provider.answerWith(...Array.from({ length: 9 }, () => unsupported('temperature')))
    await expect(collect(model(), asked)).rejects.toMatchObject({ status: 400 })
  })

  test('of a field of what was thought has it left out', async () => {
    const data = (server: string) =>
      JSON.stringify({
        wire: 'chat',
        server,
        message: { reasoning_content: 'hm' },
        calls: [{ rest: { extra_content: 1 } }],
      })
    const answered = (server: string) => ({
      role: 'assistant' as const,
      content: null,
      toolCalls: [{ id: 'a', name: 'now', arguments: {} }],
      providerData: { provider: 'openai', toolCallIds: ['a'], data: data(server) },
    })
    const messages = [
      ...hello.messages,
      answered('models.example'),
      { role: 'tool' as const, toolCallId: 'a', content: 'noon' },
    ]
    provider.answerWith(
      refused(422, { error: { message: "property 'reasoning_content' is unsupported" } }),
      answer,
    )
    await collect(model(), { messages })
    const thoughts = provider.bodies.map((body) => (body['messages'] as Record<string, unknown>[])[1])
    expect(thoughts[0]).toMatchObject({ reasoning_content: 'hm', tool_calls: [{ extra_content: 1 }] })
    expect(thoughts[1]).not.toHaveProperty('reasoning_content')
    // Nothing of another server's answer is sent.
    provider.answerWith(answer)
    await collect(model(), { messages: messages.with(1, answered('api.deepseek.com')) })
    expect(JSON.stringify(provider.bodies.at(-1))).not.toMatch(/reasoning_content|extra_content/)
  })
})
