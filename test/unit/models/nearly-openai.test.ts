// Servers that speak OpenAI's format nearly: each case is what one of them was seen to send, or might.
import { describe, expect, test, vi } from 'vitest'
import { createOpenAIModel } from '../../../server/models/openai/openai.ts'
import type { ModelChunk } from '../../../server/ports/model.ts'
import { collect, collectAll, fakeProvider, refused, streamed } from '../../support/model-provider.ts'

const URL = 'https://models.example/v1'
const provider = fakeProvider(`${URL}/chat/completions`)
const model = (options: { extra?: Record<string, unknown> } = {}) =>
  createOpenAIModel({ apiKey: 'sk-test', baseURL: URL, model: 'm', maxRetries: 0, ...options })
const hello = { messages: [{ role: 'user' as const, content: 'Hello' }] }

const frame = (value: unknown) => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`
const choice = (fields: object) => frame({ choices: [fields] })
const delta = (fields: object) => choice({ index: 0, delta: fields })
const text = (content: unknown) => delta({ content })
const piece = (...calls: unknown[]) => delta({ tool_calls: calls })
const finish = (reason: string | null) => choice({ index: 0, delta: {}, finish_reason: reason })
const done = frame('[DONE]')
const usage = frame({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } })

const bytesOf = (...frames: string[]) => new TextEncoder().encode(frames.join(''))
const oneByOne = (bytes: Uint8Array) => Array.from(bytes, (byte) => new Uint8Array([byte]))

const said = (chunks: readonly ModelChunk[]) => ({
  text: chunks.map((chunk) => (chunk.type === 'text' ? chunk.text : '')).join(''),
  reasoning: chunks.map((chunk) => (chunk.type === 'reasoning' ? chunk.text : '')).join(''),
  calls: chunks.flatMap((chunk) => (chunk.type === 'tool-call' ? [chunk.toolCall] : [])),
  end: chunks.at(-1),
})
const ask = async (...frames: (string | Uint8Array)[]) => {
  provider.answerWith(streamed(frames))
  return said(await collect(model(), hello))
}

describe('tool calls', () => {
  const args = (n: number) => JSON.stringify({ n })
  const call = (n: number, fields: object) => ({ ...fields, function: { name: 'add', arguments: args(n) } })

  test.for<[string, string[]]>([
    ['all at one index', [piece(call(1, { index: 0, id: 'a' })), piece(call(2, { index: 0, id: 'b' }))]],
    [
      'all at one index and of one id',
      [piece(call(1, { index: 0, id: 'a' }), call(2, { index: 0, id: 'a' }))],
    ],
    ['all at one index without an id', [piece(call(1, { index: 0, id: '' }), call(2, { index: 0 }))]],
    ['without an index', [piece(call(1, { id: 'a' }), call(2, { id: 'b' }))]],
    ['without index and id', [piece(call(1, {})), piece(call(2, { index: null, id: null }))]],
    ['with one id', [piece(call(1, { index: 0, id: 'a' })), piece(call(2, { index: 1, id: 'a' }))]],
    [
      'with indexes from 1, as text',
      [piece(call(1, { index: '1', id: 'a' })), piece(call(2, { index: '2', id: 'b' }))],
    ],
    [
      'whose pieces repeat id and name',
      [1, 2].flatMap((n) =>
        args(n)
          .split('')
          .map((character) =>
            piece({ index: n, id: `id-${n}`, function: { name: 'add', arguments: character } }),
          ),
      ),
    ],
    [
      'whose pieces have ids of their own',
      [1, 2].flatMap((n) =>
        ['{"n":', `${n}}`].map((half, index) =>
          piece({ index: n, id: `id-${n}-${index}`, function: { name: 'add', arguments: half } }),
        ),
      ),
    ],
    [
      'whose pieces come mixed, by their ids alone',
      [
        piece({ id: 'a', function: { name: 'add', arguments: '{"n":' } }),
        piece({ id: 'b', function: { name: 'add', arguments: '{"n":' } }),
        piece({ id: 'a', function: { arguments: '1}' } }),
        piece({ id: 'b', function: { arguments: '2}' } }),
      ],
    ],
    [
      'that are said once more at the end',
      [
        piece(call(1, { index: 0, id: 'a' }), call(2, { index: 1, id: 'b' })),
        piece(call(1, { index: 0, id: 'a' }), call(2, { index: 1, id: 'b' })),
      ],
    ],
    [
      'with arguments as objects',
      [
        piece({ index: 0, id: 'a', function: { name: 'add', arguments: { n: 1 } } }),
        piece({ index: 1, id: 'b', function: { name: 'add', arguments: { n: 2 } } }),
      ],
    ],
    [
      'with arguments that are JSON twice over',
      [
        piece({ index: 0, id: 'a', function: { name: 'add', arguments: JSON.stringify(args(1)) } }),
        piece({ index: 1, id: 'b', function: { name: 'add', arguments: JSON.stringify(args(2)) } }),
      ],
    ],
    [
      'among pieces that are none',
      [piece(null, call(1, { index: 0, id: 'a' }), 7), piece(call(2, { index: 1, id: 'b' }))],
    ],
  ])('%s', async ([, frames]) => {
    const { calls, end } = await ask(...frames, finish('tool_calls'), usage, done)
    expect(calls).toMatchObject([
      { name: 'add', arguments: { n: 1 } },
      { name: 'add', arguments: { n: 2 } },
    ])
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2)
    expect(calls.every(({ id }) => id !== '')).toBe(true)
    expect(end).toMatchObject({ reason: 'tool-calls', usage: { inputTokens: 3, outputTokens: 4 } })
  })

  test.for<[string, object]>([
    ['absent', {}],
    ['empty', { arguments: '' }],
    ['null', { arguments: null }],
    ['"null"', { arguments: 'null' }],
  ])('with arguments that are %s have none', async ([, fields]) => {
    const { calls } = await ask(
      piece({ index: 0, id: 'a', function: { name: 'now', ...fields } }),
      piece({ index: 0, id: 'b', function: { name: 'now', ...fields } }),
      finish('stop'),
      done,
    )
    expect(calls).toEqual([
      { id: 'a', name: 'now', arguments: {} },
      { id: 'b', name: 'now', arguments: {} },
    ])
  })

  test('in the older form', async () => {
    const { calls } = await ask(
      delta({ function_call: { name: 'add', arguments: '{"n":' } }),
      delta({ function_call: { arguments: '1}' } }),
      finish('function_call'),
      done,
    )
    expect(calls).toMatchObject([{ name: 'add', arguments: { n: 1 } }])
  })

  test('are told as they come', async () => {
    provider.answerWith(
      streamed([
        piece({ index: 0, id: 'a', function: { name: 'add', arguments: '' } }),
        piece({ index: 0, function: { arguments: '{"n":' } }),
        piece({ index: 0, function: { arguments: '1}' } }),
        piece(call(2, { index: 1, id: 'b' })),
        finish('tool_calls'),
        done,
      ]),
    )
    const pieces = (await collectAll(model(), hello)).filter((chunk) => chunk.type === 'tool-input')
    expect(pieces.map(({ index, text: input }) => [index, input])).toEqual([
      [0, ''],
      [0, '{"n":'],
      [0, '1}'],
      [1, '{"n":2}'],
    ])
  })
})

describe('fields', () => {
  test.for<[string, string]>([
    ['choices that are null', frame({ choices: null })],
    ['no choices', frame({ id: 'x' })],
    ['a choice that is null', frame({ choices: [null] })],
    ['a delta that is null', choice({ delta: null })],
    ['no delta', choice({ index: 0 })],
    ['content that is null', text(null)],
    ['content of another kind', text({ answer: 1 })],
    ['tool calls that are null', delta({ tool_calls: null })],
    ['usage that is null', frame({ choices: [{ delta: {} }], usage: null })],
    ['a text', frame('"hello"')],
    ['a list', frame([])],
    ['a keep-alive in data', frame('ping')],
    ['nothing', frame('')],
    ['a comment', ': waiting\n\n'],
    ['an event of another name', `event: ping\n${frame({})}`],
  ])('%s, among others', async ([, odd]) => {
    const { text: heard, end } = await ask(
      odd,
      text('Hel'),
      odd,
      text('lo'),
      odd,
      finish('stop'),
      odd,
      usage,
      done,
    )
    expect(heard).toBe('Hello')
    expect(end).toMatchObject({ reason: 'stop', usage: { inputTokens: 3, outputTokens: 4 } })
  })

  test.for<[string, unknown, object]>([
    ['absent', undefined, { inputTokens: 0, outputTokens: 0 }],
    ['null', { prompt_tokens: null, completion_tokens: 4 }, { inputTokens: 0, outputTokens: 4 }],
    ['text', { prompt_tokens: '3', completion_tokens: '4' }, { inputTokens: 3, outputTokens: 4 }],
    [
      'negative or fractions',
      { prompt_tokens: -1, completion_tokens: 4.2 },
      { inputTokens: 0, outputTokens: 4 },
    ],
    ['under other names', { input_tokens: 3, output_tokens: 4 }, { inputTokens: 3, outputTokens: 4 }],
    ['of another kind', 'many', { inputTokens: 0, outputTokens: 0 }],
    [
      'detailed',
      {
        prompt_tokens: 3,
        completion_tokens: 4,
        prompt_tokens_details: { cached_tokens: 2 },
        completion_tokens_details: { reasoning_tokens: 1 },
      },
      { inputTokens: 3, outputTokens: 4, cachedInputTokens: 2, reasoningTokens: 1 },
    ],
    [
      'told with a cost, and with what a cache took',
      {
        prompt_tokens: 3,
        completion_tokens: 4,
        cost: 0.25,
        prompt_tokens_details: { cache_write_tokens: 1 },
      },
      { inputTokens: 3, outputTokens: 4, cacheWriteInputTokens: 1, cost: 0.25 },
    ],
  ])('counts that are %s', async ([, counts, expected]) => {
    const { end } = await ask(text('Hi'), finish('stop'), frame({ choices: [], usage: counts }), done)
    expect(end).toMatchObject({ usage: expected })
    const { end: beside } = await ask(
      text('Hi'),
      frame({ choices: [{ finish_reason: 'stop', usage: counts }] }),
      done,
    )
    expect(beside).toMatchObject({ usage: expected })
  })

  test('content in parts, thoughts among them', async () => {
    const thinking = [{ type: 'text', text: 'hm' }]
    expect(
      await ask(
        text([{ type: 'thinking', thinking }, { type: 'text', text: 'Hel' }, 'lo', null]),
        finish('stop'),
        done,
      ),
    ).toMatchObject({ text: 'Hello', reasoning: 'hm' })
  })

  test.for(['reasoning_content', 'reasoning', 'reasoning_text', 'thinking'])(
    'reasoning as %s',
    async (name) => {
      expect(await ask(delta({ [name]: 'hm', content: '' }), text('Hi'), finish('stop'), done)).toMatchObject(
        {
          text: 'Hi',
          reasoning: 'hm',
        },
      )
    },
  )

  test('a message in whole, from a server that does not stream', async () => {
    const message = { role: 'assistant', content: 'Hello' }
    const body = {
      choices: [{ message, finish_reason: 'stop' }],
      usage: { prompt_tokens: 3, completion_tokens: 4 },
    }
    provider.answerWith(() => Response.json(body))
    expect(said(await collect(model(), hello))).toMatchObject({
      text: 'Hello',
      end: { reason: 'stop', usage: { inputTokens: 3, outputTokens: 4 } },
    })
    expect(
      await ask(text('Hello'), frame({ choices: [{ message, finish_reason: 'stop' }] }), done),
    ).toMatchObject({
      text: 'Hello',
    })
  })
})

describe('bytes', () => {
  const frames = [text('naïve '), text('– 日本 🎉'), finish('stop'), usage, done]
  const whole = {
    text: 'naïve – 日本 🎉',
    end: { reason: 'stop', usage: { inputTokens: 3, outputTokens: 4 } },
  }

  test.for<[string, Uint8Array[]]>([
    ['cut anywhere', oneByOne(bytesOf(...frames))],
    ['after a byte order mark', [new Uint8Array([0xef, 0xbb, 0xbf]), bytesOf(...frames)]],
    ['with CRLF', [bytesOf(...frames.map((each) => each.replaceAll('\n', '\r\n')))]],
    ['with CRLF, cut anywhere', oneByOne(bytesOf(...frames.map((each) => each.replaceAll('\n', '\r\n'))))],
    ['with CR', [bytesOf(...frames.map((each) => each.replaceAll('\n', '\r')))]],
    ['without a space after the colon', [bytesOf(...frames.map((each) => each.replace('data: ', 'data:')))]],
    ['without the last line’s end', [bytesOf(...frames).slice(0, -2)]],
  ])('%s', async ([, parts]) => {
    expect(await ask(...parts)).toMatchObject(whole)
  })
})

describe('an end', () => {
  test.for<[string, string[], string]>([
    ['without a reason', [done], 'stop'],
    ['without a reason, told by the usage', [usage], 'stop'],
    ['with a reason that is null', [finish(null), done], 'stop'],
    ['with a reason of the server’s own', [finish('eos'), done], 'stop'],
    ['in capitals', [finish('MAX_TOKENS'), done], 'length'],
    ['for safety', [finish('SAFETY'), done], 'content-filter'],
    ['without its mark', [finish('stop')], 'stop'],
    ['followed by what is broken', [finish('stop'), frame('{"choices":[')], 'stop'],
    ['followed by an error', [finish('stop'), frame({ error: { message: 'late' } })], 'stop'],
  ])('%s', async ([, frames, reason]) => {
    expect(await ask(text('Hello'), ...frames)).toMatchObject({ text: 'Hello', end: { reason } })
  })

  test('after which the connection breaks', async () => {
    provider.answerWith(streamed([text('Hello'), finish('stop')], 'broken'))
    expect(said(await collect(model(), hello))).toMatchObject({ text: 'Hello', end: { reason: 'stop' } })
  })

  test('after which the server keeps the connection', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      provider.answerWith(streamed([text('Hello'), finish('stop')], 'open'))
      const reading = collect(model(), hello)
      const state = { isOver: false }
      void reading.finally(() => (state.isOver = true))
      while (!state.isOver) await vi.advanceTimersByTimeAsync(1_000)
      expect(said(await reading)).toMatchObject({ text: 'Hello', end: { reason: 'stop' } })
    } finally {
      vi.useRealTimers()
    }
  })

  test.for<[string, string[], object]>([
    ['an error', [finish('error')], { code: 'server_error', retriable: true }],
    ['a failure to write a call', [finish('MALFORMED_FUNCTION_CALL')], { retriable: true }],
    ['nothing at all', [], { code: 'connection', retriable: true }],
    [
      'an error object',
      [frame({ error: { message: 'x', type: 'overloaded_error' } })],
      { code: 'overloaded' },
    ],
    ['an error in words', [frame({ error: 'context length exceeded', choices: [] })], { retriable: true }],
    [
      'an error with a status',
      [frame({ error: { code: 429, message: 'slow' } })],
      { code: 'rate_limited', status: 429 },
    ],
    [
      'an error in vLLM’s form',
      [frame({ object: 'error', message: 'no', code: 400 })],
      { code: 'invalid_request', retriable: false },
    ],
    ['an event of that name', [`event: error\n${frame({ detail: 'x' })}`], { retriable: true }],
    ['what is cut', [frame('{"choices":[{"delta":')], { code: 'connection', retriable: true }],
  ])('that is %s is none', async ([, frames, expected]) => {
    provider.answerWith(streamed([text('Hel'), ...frames]))
    await expect(collect(model(), hello)).rejects.toMatchObject({ name: 'ModelError', ...expected })
  })
})

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
    // Of another server's answer nothing is sent.
    provider.answerWith(answer)
    await collect(model(), { messages: messages.with(1, answered('api.deepseek.com')) })
    expect(JSON.stringify(provider.bodies.at(-1))).not.toMatch(/reasoning_content|extra_content/)
  })
})
