// The common behaviour of all model clients, each with a server of its provider's format.
import { describe, expect, test as base } from 'vitest'
import type { ModelChunk, ModelRequest } from '../../../server/ports/model.ts'
import { startLoopbackProvider, refusing, sending, silent } from '../../support/loopback-provider.ts'
import type { LoopbackProvider } from '../../support/loopback-provider.ts'
import { collectAll } from '../../support/model-provider.ts'
import { MODEL_ADAPTERS } from '../../support/model-adapters.ts'
import type { SaidAnswer } from '../../support/model-wires.ts'

const test = base.extend<{ provider: LoopbackProvider }>({
  // oxlint-disable-next-line no-empty-pattern -- Fixtures have to destructure what they use.
  provider: async ({}, use) => {
    await using provider = await startLoopbackProvider()
    await use(provider)
  },
})

const hello: ModelRequest = { messages: [{ role: 'user', content: 'Hello' }] }
const finishOf = (chunks: readonly ModelChunk[]) => chunks.find((chunk) => chunk.type === 'finish')
const textOf = (chunks: readonly ModelChunk[]) =>
  chunks.flatMap((chunk) => (chunk.type === 'text' ? [chunk.text] : [])).join('')

describe.for(Object.entries(MODEL_ADAPTERS))('%s', ([, { wire, create }]) => {
  const ask = async (provider: LoopbackProvider, answer: SaidAnswer, request: ModelRequest = hello) => {
    provider.answerWith(sending(wire.frames(answer)))
    return collectAll(create(provider.url), request)
  }
  const failing = (provider: LoopbackProvider) => collectAll(create(provider.url), hello)

  test('streams text piece by piece, and tells what it took', async ({ provider }) => {
    const chunks = await ask(provider, { said: [{ text: 'Hel' }, { text: 'lo – 日本 🎉' }] })
    expect(chunks.filter(({ type }) => type === 'text').length).toBeGreaterThan(1)
    expect(textOf(chunks)).toBe('Hello – 日本 🎉')
    expect(finishOf(chunks)).toMatchObject({
      reason: 'stop',
      usage: { inputTokens: 30, outputTokens: 20, cachedInputTokens: 10 },
    })
  })

  test('loses no answer for counts that are missing', async ({ provider }) => {
    const chunks = await ask(provider, { said: [{ text: 'Hello' }], isUncounted: true })
    expect(textOf(chunks)).toBe('Hello')
    expect(finishOf(chunks)).toMatchObject({ reason: 'stop', usage: { inputTokens: 0 } })
  })

  test('streams what is thought apart from what is said', async ({ provider }) => {
    const chunks = await ask(provider, { said: [{ thought: 'Hm.' }, { text: 'So.' }] })
    const said = chunks.flatMap((chunk) => ('text' in chunk ? [`${chunk.type} ${chunk.text}`] : []))
    expect(said).toEqual(['reasoning Hm.', 'text So.'])
  })

  test('streams parallel calls, with their arguments in pieces', async ({ provider }) => {
    const chunks = await ask(provider, {
      said: [
        { text: 'Let me look.' },
        { call: 'call_1', name: 'add', pieces: ['{"n":', '1}'] },
        { call: 'call_2', name: 'add', pieces: ['{"n":2}'] },
        { call: 'call_3', name: 'now', pieces: [] },
      ],
      end: 'tool-calls',
    })
    const inputs: string[] = []
    for (const chunk of chunks) {
      if (chunk.type === 'tool-input') inputs[chunk.index] = (inputs[chunk.index] ?? '') + chunk.text
    }
    expect(inputs.map((text) => text || '{}')).toEqual(['{"n":1}', '{"n":2}', '{}'])
    expect(chunks.flatMap((chunk) => (chunk.type === 'tool-call' ? [chunk.toolCall] : []))).toEqual([
      { id: 'call_1', name: 'add', arguments: { n: 1 } },
      { id: 'call_2', name: 'add', arguments: { n: 2 } },
      { id: 'call_3', name: 'now', arguments: {} },
    ])
    const firstPiece = chunks.findIndex(({ type }) => type === 'tool-input')
    expect(firstPiece).toBeLessThan(chunks.findIndex(({ type }) => type === 'tool-call'))
    expect(finishOf(chunks)).toMatchObject({ reason: 'tool-calls' })
  })

  test('sends pictures, tools, the form of the answer and the results of calls', async ({ provider }) => {
    const chunks = await ask(
      provider,
      { said: [{ text: '{"city":"Rome"}' }] },
      {
        messages: [
          { role: 'system', content: 'Be brief.' },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Where?' },
              { type: 'image', url: 'data:image/png;base64,iVBORw0KGgo=' },
            ],
          },
          {
            role: 'assistant',
            content: null,
            toolCalls: [{ id: 'call_1', name: 'add', arguments: { n: 41 } }],
          },
          { role: 'tool', toolCallId: 'call_1', content: 'forty-two' },
        ],
        tools: [{ name: 'add', description: 'Adds numbers', parameters: { type: 'object', properties: {} } }],
        responseSchema: {
          name: 'answer',
          schema: { type: 'object', properties: { whereabouts: { type: 'string' } } },
        },
      },
    )
    expect(textOf(chunks)).toBe('{"city":"Rome"}')
    const sent = JSON.stringify(provider.bodies[0])
    for (const part of [
      'Be brief.',
      'iVBORw0KGgo=',
      'Adds numbers',
      'whereabouts',
      'call_1',
      '41',
      'forty-two',
    ]) {
      expect(sent).toContain(part)
    }
  })

  test.for(['length', 'content-filter'] as const)(
    'tells that an answer ended by %s',
    async (end, { provider }) => {
      const chunks = await ask(provider, { said: [{ text: 'Hel' }], end })
      expect(finishOf(chunks)).toMatchObject({ reason: end })
    },
  )

  test.for([
    [429, 'rate_limit_error', { code: 'rate_limited', retriable: true, retryAfterMs: 7_000 }],
    [529, 'overloaded_error', { code: 'overloaded', retriable: true }],
    [500, 'api_error', { code: 'server_error', retriable: true }],
    [401, 'authentication_error', { code: 'access_denied', retriable: false }],
    [404, 'not_found_error', { code: 'not_found', retriable: false }],
    [400, 'invalid_request_error', { code: 'invalid_request', retriable: false }],
    [400, 'context_length_exceeded', { code: 'context_overflow', retriable: false }],
    [400, 'content_filter', { code: 'refused', retriable: false }],
  ] as const)('tells a refusal with %i %s by its code', async ([status, type, expected], { provider }) => {
    provider.answerWith(refusing(status, wire.refusal(type, 'No.'), { 'retry-after': '7' }))
    await expect(failing(provider)).rejects.toMatchObject({ name: 'ModelError', status, ...expected })
  })

  test('tells an overload in mid-answer', async ({ provider }) => {
    const [first = ''] = wire.frames({ said: [{ text: 'Hel' }] })
    const error = JSON.stringify(wire.refusal('overloaded_error', 'Overloaded'))
    provider.answerWith(sending([first, `event: error\ndata: ${error}\n\n`]))
    await expect(failing(provider)).rejects.toMatchObject({ code: 'overloaded', retriable: true })
  })

  test.for(['cut', 'ended'] as const)(
    'fails at a stream that was %s before the answer was',
    async (end, { provider }) => {
      const frames = wire.frames({ said: [{ text: 'Hel' }], isUncounted: true })
      const told = frames.slice(0, frames.findIndex((frame) => frame.includes('Hel')) + 1)
      provider.answerWith(sending(told, end))
      await expect(failing(provider)).rejects.toMatchObject({ name: 'ModelError', retriable: true })
    },
  )

  test('fails where nobody listens', async ({ provider }) => {
    const model = create(provider.url)
    await provider[Symbol.asyncDispose]()
    await expect(collectAll(model, hello)).rejects.toMatchObject({ code: 'connection', retriable: true })
  })

  test('closes its connection when it is cancelled, before the answer and in it', async ({ provider }) => {
    const model = create(provider.url)
    const frames = wire.frames({ said: [{ text: 'Hel' }] }).slice(0, 3)
    for (const answer of [silent, sending(frames, 'open')]) {
      provider.answerWith(answer)
      const stop = new AbortController()
      const asked = provider.asked()
      const failure = collectAll(model, hello, stop.signal).catch((error: unknown) => error)
      await asked
      stop.abort(new Error('enough'))
      await provider.closed()
      expect(await failure).toMatchObject({ message: 'enough' })
    }
  })

  test('closes it too when nobody reads on', async ({ provider }) => {
    provider.answerWith(sending(wire.frames({ said: [{ text: 'Hel' }] }).slice(0, -1), 'open'))
    for await (const chunk of create(provider.url).stream(hello, new AbortController().signal)) {
      if (chunk.type === 'text') break
    }
    await provider.closed()
    expect(provider.bodies).toHaveLength(1)
  })

  test('asks nobody when it was cancelled before', async ({ provider }) => {
    const asked = collectAll(create(provider.url), hello, AbortSignal.abort(new Error('enough')))
    await expect(asked).rejects.toThrow('enough')
    expect(provider.bodies).toEqual([])
  })
})
