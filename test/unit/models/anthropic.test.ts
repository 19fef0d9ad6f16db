import { describe, expect, test, vi } from 'vitest'
import type { Json } from '../../../server/contract/json.ts'
import { createAnthropicModel } from '../../../server/models/anthropic/anthropic.ts'
import { block, event, start, stop, text, toolUse } from '../../support/anthropic-stream.ts'
import { collect, refused, streamed, fakeProvider } from '../../support/model-provider.ts'

const provider = fakeProvider('https://api.anthropic.com/v1/messages')
const apiKey = 'sk-ant-test-1234567890'
const hello = { messages: [{ role: 'user' as const, content: 'Hello' }] }
const weather = {
  name: 'get_weather',
  description: 'Weather in a city',
  parameters: { type: 'object', properties: {} },
}

describe('an answer in text', () => {
  test('streams piece by piece and finishes with the usage, cached input included', async () => {
    provider.answerWith(streamed([start, event('ping'), ...text(0, 'Hel', 'lo'), ...stop('end_turn')]))
    expect(await collect(createAnthropicModel({ apiKey }), hello)).toEqual([
      { type: 'text', text: 'Hel' },
      { type: 'text', text: 'lo' },
      {
        type: 'finish',
        reason: 'stop',
        usage: { inputTokens: 115, outputTokens: 42, cachedInputTokens: 100, cacheWriteInputTokens: 5 },
      },
    ])
  })

  test.for([
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['refusal', 'content-filter'],
    ['something_new', 'stop'],
  ])('that ends with "%s" finishes with "%s"', async ([theirs, ours]) => {
    provider.answerWith(streamed([start, ...text(0, 'x'), ...stop(theirs!)]))
    expect((await collect(createAnthropicModel({ apiKey }), hello)).at(-1)).toMatchObject({ reason: ours })
  })
})

describe('tool calls', () => {
  test('are put together from their pieces, after the text before them', async () => {
    provider.answerWith(
      streamed([
        start,
        ...text(0, 'Let me look.'),
        ...toolUse(1, 'toolu_a', '', '{"ci', 'ty":"Paris"}'),
        ...toolUse(2, 'toolu_b'),
        ...stop('tool_use'),
      ]),
    )
    expect(await collect(createAnthropicModel({ apiKey }), hello)).toEqual([
      { type: 'text', text: 'Let me look.' },
      { type: 'tool-call', toolCall: { id: 'toolu_a', name: 'get_weather', arguments: { city: 'Paris' } } },
      { type: 'tool-call', toolCall: { id: 'toolu_b', name: 'get_weather', arguments: {} } },
      {
        type: 'finish',
        reason: 'tool-calls',
        usage: { inputTokens: 115, outputTokens: 42, cachedInputTokens: 100, cacheWriteInputTokens: 5 },
      },
    ])
  })

  test('with malformed arguments carry their raw text', async () => {
    provider.answerWith(streamed([start, ...toolUse(0, 'toolu_a', '{"city": "Pa'), ...stop('max_tokens')]))
    expect((await collect(createAnthropicModel({ apiKey }), hello))[0]).toMatchObject({
      toolCall: { arguments: '{"city": "Pa' },
    })
  })
})

describe('thinking', () => {
  const thinking = block(
    0,
    { type: 'thinking', thinking: '', signature: '' },
    { type: 'thinking_delta', thinking: 'Paris is ' },
    { type: 'thinking_delta', thinking: 'in France.' },
    { type: 'signature_delta', signature: 'sig==' },
  )
  const question = { role: 'user' as const, content: 'Weather in Paris?' }
  const called = {
    role: 'assistant' as const,
    content: null,
    toolCalls: [{ id: 'call_ours', name: 'get_weather', arguments: { city: 'Paris' } }],
  }
  const result = { role: 'tool' as const, toolCallId: 'call_ours', content: 'sunny' }
  const thought = streamed([
    start,
    ...thinking,
    ...toolUse(1, 'toolu_a', '{"city":"Paris"}'),
    ...stop('tool_use'),
  ])

  test('streams as reasoning', async () => {
    provider.answerWith(streamed([start, ...thinking, ...text(1, 'Sunny.'), ...stop('end_turn')]))
    expect((await collect(createAnthropicModel({ apiKey }), hello)).slice(0, 3)).toEqual([
      { type: 'reasoning', text: 'Paris is ' },
      { type: 'reasoning', text: 'in France.' },
      { type: 'text', text: 'Sunny.' },
    ])
  })

  test('goes back unchanged with the results of the tools it led to, and no later', async () => {
    const answer = () => streamed([start, ...text(0, 'Sunny.'), ...stop('end_turn')])
    provider.answerWith(thought, answer(), answer(), answer())
    const model = createAnthropicModel({ apiKey })
    const finish = (await collect(model, { messages: [question] })).at(-1) as { providerData?: Json }
    const data = JSON.stringify(finish.providerData)
    const said = { ...called, providerData: { provider: 'anthropic', toolCallIds: ['toolu_a'], data } }
    await collect(model, { messages: [question, said, result] })
    await collect(model, {
      messages: [question, said, result, { role: 'assistant', content: 'Sunny.' }, question],
    })
    const foreign = { ...said, providerData: { ...said.providerData, provider: 'another' } }
    await collect(model, { messages: [question, foreign, result] })

    const toolUseBlock = { type: 'tool_use', id: 'toolu_a', name: 'get_weather', input: { city: 'Paris' } }
    const assistantTurn = (index: number) => (provider.bodies[index]!['messages'] as object[])[1]
    expect(assistantTurn(1)).toEqual({
      role: 'assistant',
      content: [{ type: 'thinking', thinking: 'Paris is in France.', signature: 'sig==' }, toolUseBlock],
    })
    expect(assistantTurn(2)).toEqual({ role: 'assistant', content: [toolUseBlock] })
    expect(assistantTurn(3)).toEqual({
      role: 'assistant',
      content: [{ ...toolUseBlock, id: 'call_ours' }],
    })
  })
})

describe('a request', () => {
  const answer = () => streamed([start, ...text(0, 'x'), ...stop('end_turn')])

  test('carries system messages apart, and results of parallel calls in one user turn', async () => {
    provider.answerWith(answer())
    await collect(createAnthropicModel({ apiKey, model: 'claude-x', extra: { top_k: 5 } }), {
      messages: [
        { role: 'system', content: 'Be brief' },
        { role: 'user', content: 'Weather?' },
        {
          role: 'assistant',
          content: 'Looking.',
          toolCalls: [
            { id: 'a', name: 'get_weather', arguments: { city: 'Rome' } },
            { id: 'b', name: 'get_weather', arguments: '{"city' },
          ],
        },
        { role: 'tool', toolCallId: 'a', content: 'sunny' },
        { role: 'tool', toolCallId: 'b', content: 'not valid' },
        { role: 'user', content: 'Well?' },
        { role: 'assistant', content: '' },
        { role: 'system', content: 'Be kind' },
      ],
      tools: [weather],
      maxOutputTokens: 100,
      temperature: 0.5,
    })
    expect(provider.headers[0]?.get('authorization')).toBe(`Bearer ${apiKey}`)
    expect(provider.bodies[0]).toEqual({
      model: 'claude-x',
      stream: true,
      max_tokens: 100,
      temperature: 0.5,
      top_k: 5,
      system: 'Be brief\n\nBe kind',
      tools: [{ name: 'get_weather', description: 'Weather in a city', input_schema: weather.parameters }],
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'Weather?' }] },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'Looking.' },
            { type: 'tool_use', id: 'a', name: 'get_weather', input: { city: 'Rome' } },
            { type: 'tool_use', id: 'b', name: 'get_weather', input: { malformed_arguments: '{"city' } },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'a', content: 'sunny' },
            { type: 'tool_result', tool_use_id: 'b', content: 'not valid' },
            { type: 'text', text: 'Well?' },
          ],
        },
      ],
    })
  })

  test('defines the tools of calls that it tells of where it offers none, and lets none be called', async () => {
    provider.answerWith(answer())
    const call = (id: string) => ({ id, name: 'get_weather', arguments: {} })
    await collect(createAnthropicModel({ apiKey }), {
      messages: [
        { role: 'user', content: 'Weather?' },
        { role: 'assistant', content: null, toolCalls: [call('a'), call('b')] },
        { role: 'tool', toolCallId: 'a', content: 'sunny' },
        { role: 'tool', toolCallId: 'b', content: 'rainy' },
      ],
    })
    expect(provider.bodies[0]).toMatchObject({
      tools: [{ name: 'get_weather', input_schema: { type: 'object' } }],
      tool_choice: { type: 'none' },
    })
    provider.answerWith(answer())
    await collect(createAnthropicModel({ apiKey }), hello)
    expect(provider.bodies[1]).not.toHaveProperty('tools')
  })

  test('has a limit on the answer even when none is asked for', async () => {
    provider.answerWith(answer())
    await collect(createAnthropicModel({ apiKey }), hello)
    expect(provider.bodies[0]).toMatchObject({ max_tokens: 16_000 })
  })

  test('that fails before anything streamed is tried again', async () => {
    provider.answerWith(refused(529, {}, { 'retry-after-ms': '1' }), answer())
    expect(await collect(createAnthropicModel({ apiKey }), hello)).toContainEqual({ type: 'text', text: 'x' })
    expect(provider.bodies).toHaveLength(2)
  })
})

describe('a failure', () => {
  const model = createAnthropicModel({ apiKey, maxRetries: 0 })
  const body = (type: string, message: string) => ({ type: 'error', error: { type, message } })

  test('of the request tells what to change and is not worth another try', async () => {
    provider.answerWith(refused(400, body('invalid_request_error', `max_tokens: too large for ${apiKey}`)))
    await expect(collect(model, hello)).rejects.toMatchObject({
      name: 'ModelError',
      message: 'Anthropic refused the request (400 invalid_request_error): max_tokens: too large for [key]',
      status: 400,
      retriable: false,
    })
  })

  test('of the key names the variable', async () => {
    provider.answerWith(refused(401, body('authentication_error', 'invalid x-api-key')))
    await expect(collect(model, hello)).rejects.toMatchObject({
      message: 'Anthropic refused access (401 authentication_error): check ANTHROPIC_API_KEY.',
      retriable: false,
    })
  })

  test('by rate limit tells how long to wait, and waits no longer than seconds itself', async () => {
    provider.answerWith(refused(429, body('rate_limit_error', 'slow down'), { 'retry-after': '3600' }))
    await expect(collect(createAnthropicModel({ apiKey }), hello)).rejects.toMatchObject({
      status: 429,
      retriable: true,
      retryAfterMs: 3_600_000,
    })
    expect(provider.bodies).toHaveLength(1)
  })

  test.for([408, 409, 500, 529])('with status %i is worth another try', async (status) => {
    provider.answerWith(refused(status, body('api_error', 'secret internals')))
    const error: unknown = await collect(model, hello).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ status, retriable: true })
    expect(String(error)).not.toContain('secret')
  })

  test('of the connection is worth another try', async () => {
    provider.answerWith(() => Response.error())
    await expect(collect(model, hello)).rejects.toMatchObject({
      message: 'The connection to Anthropic failed or broke off.',
      retriable: true,
    })
  })

  test.for(['closed', 'broken'] as const)(
    'of a stream cut off (%s) comes after what arrived',
    async (end) => {
      provider.answerWith(streamed([start, ...text(0, 'Hel').slice(0, 2)], end))
      const seen: unknown[] = []
      const reading = (async () => {
        for await (const each of model.stream(hello, new AbortController().signal)) seen.push(each)
      })()
      await expect(reading).rejects.toMatchObject({ name: 'ModelError', retriable: true })
      expect(seen).toEqual([{ type: 'text', text: 'Hel' }])
    },
  )

  test('inside a stream is told apart by its type', async () => {
    provider.answerWith(
      streamed([start, event('error', body('overloaded_error', 'Overloaded'))]),
      streamed([start, event('error', body('invalid_request_error', 'No'))]),
    )
    await expect(collect(model, hello)).rejects.toMatchObject({ retriable: true })
    await expect(collect(model, hello)).rejects.toMatchObject({ retriable: false })
  })
})

describe('an abort', () => {
  const model = createAnthropicModel({ apiKey })

  test('before the request throws the reason and sends nothing', async () => {
    const reason = new Error('cancelled')
    await expect(collect(model, hello, AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(provider.bodies).toHaveLength(0)
  })

  test('in mid-stream throws the reason instead of looking like an end', async () => {
    provider.answerWith(streamed([start, ...text(0, 'Hel').slice(0, 2)], 'open'))
    const reason = new Error('cancelled')
    const controller = new AbortController()
    const reading = (async () => {
      for await (const each of model.stream(hello, controller.signal)) {
        if (each.type === 'text') controller.abort(reason)
      }
    })()
    await expect(reading).rejects.toBe(reason)
  })

  test('while it waits to try again throws the reason at once', async () => {
    const controller = new AbortController()
    const reason = new Error('cancelled')
    provider.answerWith(() => {
      queueMicrotask(() => controller.abort(reason))
      return refused(429, {}, { 'retry-after': '9' })()
    })
    await expect(collect(model, hello, controller.signal)).rejects.toBe(reason)
  })
})

test('a keep-alive is a sign of life, though the SDK hides it', async () => {
  provider.answerWith(streamed([start, event('ping')], 'open'))
  const controller = new AbortController()
  const onActivity = vi.fn<() => void>()
  const reading = (async () => {
    for await (const _ of createAnthropicModel({ apiKey }).stream(hello, controller.signal, onActivity));
  })()
  // One more for the answer's head.
  await vi.waitFor(() => expect(onActivity.mock.calls.length).toBeGreaterThan(1))
  controller.abort(new Error('enough'))
  await expect(reading).rejects.toThrow('enough')
})
