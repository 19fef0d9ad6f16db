import { describe, expect, test, vi } from 'vitest'
import { createOpenAIModel } from '../../../server/models/openai/openai.ts'
import { collect, refused, streamed, fakeProvider } from '../../support/model-provider.ts'

const provider = fakeProvider('https://api.openai.com/v1/chat/completions')
const apiKey = 'sk-test-1234567890'
const hello = { messages: [{ role: 'user' as const, content: 'Hello' }] }
const weather = { name: 'get_weather', description: 'Weather in a city', parameters: { type: 'object' } }

function chunk(choice: object, rest: object = {}): string {
  const choices = [{ index: 0, delta: {}, finish_reason: null, ...choice }]
  return `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', choices, ...rest })}\n\n`
}
const text = (content: string) => chunk({ delta: { content } })
const finish = (reason: string) => chunk({ finish_reason: reason })
const usage = chunk(
  {},
  { choices: [], usage: { prompt_tokens: 12, completion_tokens: 34, total_tokens: 46 } },
)
const done = 'data: [DONE]\n\n'

describe('an answer in text', () => {
  test('streams piece by piece and finishes with the usage that follows the finish reason', async () => {
    provider.answerWith(streamed([text('Hel'), text('lo'), finish('stop'), usage, done]))
    expect(await collect(createOpenAIModel({ apiKey }), hello)).toEqual([
      { type: 'text', text: 'Hel' },
      { type: 'text', text: 'lo' },
      { type: 'finish', reason: 'stop', usage: { inputTokens: 12, outputTokens: 34 } },
    ])
  })

  test('survives events that arrive in pieces, in the middle of a character too', async () => {
    const bytes = new TextEncoder().encode(text('naïve – ok') + finish('stop') + done)
    provider.answerWith(streamed(Array.from(bytes, (byte) => new Uint8Array([byte]))))
    expect(await collect(createOpenAIModel({ apiKey }), hello)).toContainEqual({
      type: 'text',
      text: 'naïve – ok',
    })
  })

  test.for([
    ['length', 'length'],
    ['content_filter', 'content-filter'],
    ['something_new', 'stop'],
  ])('that ends with "%s" finishes with "%s"', async ([theirs, ours]) => {
    provider.answerWith(streamed([text('x'), finish(theirs!), done]))
    expect((await collect(createOpenAIModel({ apiKey }), hello)).at(-1)).toMatchObject({ reason: ours })
  })

  test('carries the reasoning that compatible servers stream', async () => {
    provider.answerWith(
      streamed([chunk({ delta: { reasoning_content: 'hmm' } }), text('x'), finish('stop'), done]),
    )
    expect((await collect(createOpenAIModel({ apiKey }), hello))[0]).toEqual({
      type: 'reasoning',
      text: 'hmm',
    })
  })
})

describe('tool calls', () => {
  const piece = (index: number, call: object) => chunk({ delta: { tool_calls: [{ index, ...call }] } })

  test('are put together from their pieces, parallel ones apart', async () => {
    provider.answerWith(
      streamed([
        piece(0, { id: 'call_a', type: 'function', function: { name: 'get_weather', arguments: '' } }),
        piece(0, { function: { arguments: '{"ci' } }),
        piece(1, {
          id: 'call_b',
          type: 'function',
          function: { name: 'get_weather', arguments: '{"city":' },
        }),
        piece(0, { function: { arguments: 'ty":"Paris"}' } }),
        piece(1, { function: { arguments: '"Rome"}' } }),
        finish('tool_calls'),
        usage,
        done,
      ]),
    )
    expect(await collect(createOpenAIModel({ apiKey }), { ...hello, tools: [weather] })).toEqual([
      { type: 'tool-call', toolCall: { id: 'call_a', name: 'get_weather', arguments: { city: 'Paris' } } },
      { type: 'tool-call', toolCall: { id: 'call_b', name: 'get_weather', arguments: { city: 'Rome' } } },
      { type: 'finish', reason: 'tool-calls', usage: { inputTokens: 12, outputTokens: 34 } },
    ])
  })

  test('without arguments get an empty object, malformed ones their raw text', async () => {
    provider.answerWith(
      streamed([
        piece(0, { id: 'a', function: { name: 'now', arguments: '' } }),
        piece(1, { id: 'b', function: { name: 'now', arguments: '{"zone": "UT' } }),
        finish('length'),
        done,
      ]),
    )
    expect((await collect(createOpenAIModel({ apiKey }), hello)).slice(0, 2)).toEqual([
      { type: 'tool-call', toolCall: { id: 'a', name: 'now', arguments: {} } },
      { type: 'tool-call', toolCall: { id: 'b', name: 'now', arguments: '{"zone": "UT' } },
    ])
  })

  test('make the finish reason "tool-calls" also at servers that say "stop"', async () => {
    provider.answerWith(
      streamed([piece(0, { function: { name: 'now', arguments: '{}' } }), finish('stop'), done]),
    )
    const [call, end] = await collect(createOpenAIModel({ apiKey }), hello)
    expect(call).toMatchObject({ toolCall: { id: expect.stringMatching(/^call_.+/) } })
    expect(end).toMatchObject({ reason: 'tool-calls' })
  })
})

describe('a request', () => {
  const answer = streamed([text('x'), finish('stop'), done])

  test('carries the conversation, the tools and the limits', async () => {
    provider.answerWith(answer)
    await collect(createOpenAIModel({ apiKey, model: 'gpt-x', extra: { seed: 7 } }), {
      messages: [
        { role: 'system', content: 'Be brief' },
        { role: 'user', content: 'Weather?' },
        {
          role: 'assistant',
          content: null,
          toolCalls: [
            { id: 'a', name: 'get_weather', arguments: { city: 'Rome' } },
            { id: 'b', name: 'get_weather', arguments: '{"city' },
          ],
        },
        { role: 'tool', toolCallId: 'a', content: 'sunny' },
      ],
      tools: [weather],
      maxOutputTokens: 100,
      temperature: 0.5,
    })
    expect(provider.headers[0]?.get('authorization')).toBe(`Bearer ${apiKey}`)
    expect(provider.bodies[0]).toEqual({
      model: 'gpt-x',
      stream: true,
      stream_options: { include_usage: true },
      max_completion_tokens: 100,
      temperature: 0.5,
      seed: 7,
      tools: [{ type: 'function', function: weather }],
      messages: [
        { role: 'system', content: 'Be brief' },
        { role: 'user', content: 'Weather?' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: 'a', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Rome"}' } },
            {
              id: 'b',
              type: 'function',
              function: { name: 'get_weather', arguments: '{"malformed_arguments":"{\\"city"}' },
            },
          ],
        },
        { role: 'tool', tool_call_id: 'a', content: 'sunny' },
        { role: 'tool', tool_call_id: 'b', content: '{"error":"The call was not answered."}' },
      ],
    })
  })

  test('is repeated without reasoning, and so are all later ones, when the model takes tools only then', async () => {
    const error = {
      message: 'Function tools with reasoning_effort …',
      type: 'invalid_request_error',
      param: 'reasoning_effort',
    }
    provider.answerWith(refused(400, { error }), streamed([text('x'), finish('stop'), done]), answer)
    const model = createOpenAIModel({ apiKey })
    await collect(model, { ...hello, tools: [weather] })
    await collect(model, { ...hello, tools: [weather] })
    expect(provider.bodies.map((body) => body['reasoning_effort'])).toEqual([undefined, 'none', 'none'])
  })

  test('that asks for reasoning by itself is not changed behind its back', async () => {
    const error = { message: 'no', type: 'invalid_request_error', param: 'reasoning_effort' }
    provider.answerWith(refused(400, { error }))
    const model = createOpenAIModel({ apiKey, extra: { reasoning_effort: 'low' } })
    await expect(collect(model, { ...hello, tools: [weather] })).rejects.toMatchObject({ status: 400 })
  })

  test('that fails before anything streamed is tried again', async () => {
    provider.answerWith(
      refused(503, {}, { 'retry-after-ms': '1' }),
      streamed([text('x'), finish('stop'), done]),
    )
    expect(await collect(createOpenAIModel({ apiKey }), hello)).toContainEqual({ type: 'text', text: 'x' })
    expect(provider.bodies).toHaveLength(2)
  })
})

describe('a failure', () => {
  const model = createOpenAIModel({ apiKey, maxRetries: 0 })

  test('of the request tells what to change and is not worth another try', async () => {
    const message = `Unsupported parameter 'x'. Your key ${apiKey} is fine.`
    provider.answerWith(
      refused(400, { error: { message, type: 'invalid_request_error', code: 'unsupported' } }),
    )
    await expect(collect(model, hello)).rejects.toMatchObject({
      name: 'ModelError',
      message:
        "OpenAI refused the request (400 unsupported): 400 Unsupported parameter 'x'. Your key [key] is fine.",
      status: 400,
      retriable: false,
    })
  })

  test('of the key names the variable and shows nothing of the key', async () => {
    const message = 'Incorrect API key provided: sk-te****7890.'
    provider.answerWith(refused(401, { error: { message, code: 'invalid_api_key' } }))
    await expect(collect(model, hello)).rejects.toMatchObject({
      message: 'OpenAI refused access (401 invalid_api_key): check OPENAI_API_KEY.',
      status: 401,
      retriable: false,
    })
  })

  test('by rate limit tells how long to wait, and waits no longer than seconds itself', async () => {
    const message = 'Rate limit reached in organization org-secret'
    provider.answerWith(
      refused(429, { error: { message, code: 'rate_limit_exceeded' } }, { 'retry-after': '30' }),
    )
    await expect(collect(createOpenAIModel({ apiKey, maxRetries: 2 }), hello)).rejects.toMatchObject({
      message: 'The rate limit at OpenAI is reached (429 rate_limit_exceeded).',
      status: 429,
      retriable: true,
      retryAfterMs: 30_000,
    })
    expect(provider.bodies).toHaveLength(1)
  })

  test('by a used-up quota is not worth another try', async () => {
    provider.answerWith(refused(429, { error: { message: 'quota', code: 'insufficient_quota' } }))
    await expect(collect(model, hello)).rejects.toMatchObject({ status: 429, retriable: false })
  })

  test.for([408, 409, 500, 502, 503])('with status %i is worth another try', async (status) => {
    provider.answerWith(refused(status, { error: { message: 'secret internals' } }))
    const error: unknown = await collect(model, hello).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ status, retriable: true })
    expect(String(error)).not.toContain('secret')
  })

  test('of the connection is worth another try', async () => {
    provider.answerWith(() => Response.error())
    await expect(collect(model, hello)).rejects.toMatchObject({
      message: 'The connection to OpenAI failed or broke off.',
      retriable: true,
    })
  })

  test.for(['closed', 'broken'] as const)(
    'of a stream cut off (%s) comes after what arrived',
    async (end) => {
      provider.answerWith(streamed([text('Hel')], end))
      const seen: unknown[] = []
      const reading = (async () => {
        for await (const each of model.stream(hello, new AbortController().signal)) seen.push(each)
      })()
      await expect(reading).rejects.toMatchObject({ name: 'ModelError', retriable: true })
      expect(seen).toEqual([{ type: 'text', text: 'Hel' }])
    },
  )

  test('inside a stream is told apart by its type', async () => {
    const event = (error: object) => `data: ${JSON.stringify({ error })}\n\n`
    provider.answerWith(
      streamed([text('x'), event({ message: 'overloaded', type: 'server_error' })]),
      streamed([text('x'), event({ message: 'too long', type: 'invalid_request_error' })]),
    )
    await expect(collect(model, hello)).rejects.toMatchObject({ retriable: true })
    await expect(collect(model, hello)).rejects.toMatchObject({ retriable: false })
  })
})

describe('an abort', () => {
  const model = createOpenAIModel({ apiKey })

  test('before the request throws the reason and sends nothing', async () => {
    const reason = new Error('cancelled')
    await expect(collect(model, hello, AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(provider.bodies).toHaveLength(0)
  })

  test('in mid-stream throws the reason instead of looking like an end', async () => {
    provider.answerWith(streamed([text('Hel')], 'open'))
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
  provider.answerWith(streamed([': waiting\n\n', ': waiting\n\n'], 'open'))
  const controller = new AbortController()
  const onActivity = vi.fn<() => void>()
  const reading = (async () => {
    for await (const _ of createOpenAIModel({ apiKey }).stream(hello, controller.signal, onActivity));
  })()
  // One more for the answer's head.
  await vi.waitFor(() => expect(onActivity.mock.calls.length).toBeGreaterThan(1))
  controller.abort(new Error('enough'))
  await expect(reading).rejects.toThrow('enough')
})
