import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { convertArrayToReadableStream, MockLanguageModelV3, MockLanguageModelV4 } from 'ai/test'
import { describe, expect, test } from 'vitest'
import type { AgentMessage } from '../../../server/contract/message.ts'
import { createAISDKModel } from '../../../server/models/ai-sdk/index.ts'
import type { Model, ModelChunk, ModelRequest } from '../../../server/ports/model.ts'
import { collect, collectAll, fakeProvider, refused, streamed } from '../../support/model-provider.ts'

type Part =
  Extract<Awaited<ReturnType<MockLanguageModelV4['doStream']>>, object>['stream'] extends ReadableStream<
    infer T
  >
    ? T
    : never

const usage = {
  inputTokens: { total: 10, noCache: 4, cacheRead: 5, cacheWrite: 1 },
  outputTokens: { total: 7, text: 4, reasoning: 3 },
}
const finish = (unified: 'stop' | 'tool-calls' | 'error' | 'other' = 'stop', raw?: string): Part => ({
  type: 'finish',
  usage,
  finishReason: { unified, raw },
})
const text = (delta: string, id = '0'): Part[] => [
  { type: 'text-start', id },
  { type: 'text-delta', id, delta },
  { type: 'text-end', id },
]
const call = (toolCallId: string, input: string, rest: object = {}): Part => ({
  type: 'tool-call',
  toolCallId,
  toolName: 'add',
  input,
  ...rest,
})

function mock(...parts: readonly Part[]) {
  const sdk = new MockLanguageModelV4({
    provider: 'acme.chat',
    modelId: 'one',
    supportedUrls: { 'image/*': [/^https:\/\/pictures\.example\//] },
    doStream: async () => ({ stream: convertArrayToReadableStream([...parts]) }),
  })
  return { sdk, model: createAISDKModel(sdk) }
}

const hello: ModelRequest = { messages: [{ role: 'user', content: 'Hello' }] }
const finishOf = (chunks: readonly ModelChunk[]) =>
  chunks.find((chunk): chunk is Extract<ModelChunk, { type: 'finish' }> => chunk.type === 'finish')

/** The prompt of the next request, after an answer of these parts and the results of its calls. */
async function promptAfter(...parts: readonly Part[]) {
  const { model } = mock(...parts)
  const chunks = await collect(model, hello)
  const toolCalls = chunks.flatMap((chunk) => (chunk.type === 'tool-call' ? [chunk.toolCall] : []))
  const data = finishOf(chunks)?.providerData
  const answered: AgentMessage = {
    role: 'assistant',
    content: chunks.flatMap((chunk) => (chunk.type === 'text' ? [chunk.text] : [])).join('') || null,
    // As the runtime stores it: ids of its own, and those of the provider beside them.
    ...(toolCalls.length === 0
      ? {}
      : { toolCalls: toolCalls.map((each, at) => ({ ...each, id: `own-${at}` })) }),
    providerData: {
      provider: 'acme.chat',
      toolCallIds: toolCalls.map(({ id }) => id),
      data: data === undefined ? null : JSON.stringify(data),
    },
  }
  const { sdk, model: next } = mock(finish())
  await collect(next, {
    messages: [
      ...hello.messages,
      answered,
      ...toolCalls.map((_, at): AgentMessage => ({
        role: 'tool',
        toolCallId: `own-${at}`,
        content: String(at),
      })),
    ],
  })
  return sdk.doStreamCalls[0]!.prompt
}

describe('an answer', () => {
  test('streams text, thoughts and usage', async () => {
    const { model } = mock(
      { type: 'stream-start', warnings: [] },
      { type: 'reasoning-start', id: 'r' },
      { type: 'reasoning-delta', id: 'r', delta: 'Hm.' },
      { type: 'reasoning-end', id: 'r' },
      ...text('Hel'),
      ...text('lo', '1'),
      finish(),
    )
    expect([model.provider, model.name]).toEqual(['acme.chat', 'one'])
    expect(await collect(model, hello)).toMatchObject([
      { type: 'reasoning', text: 'Hm.' },
      { type: 'text', text: 'Hel' },
      { type: 'text', text: 'lo' },
      {
        type: 'finish',
        reason: 'stop',
        usage: {
          inputTokens: 10,
          outputTokens: 7,
          cachedInputTokens: 5,
          cacheWriteInputTokens: 1,
          reasoningTokens: 3,
        },
      },
    ])
  })

  test('streams calls in pieces, and whole in the order in which they began', async () => {
    const { model } = mock(
      { type: 'tool-input-start', id: 'a', toolName: 'add' },
      { type: 'tool-input-start', id: 'b', toolName: 'add' },
      { type: 'tool-input-delta', id: 'b', delta: '{"n":2}' },
      { type: 'tool-input-delta', id: 'a', delta: '{"n":' },
      { type: 'tool-input-delta', id: 'a', delta: '1}' },
      call('b', '{"n":2}'),
      call('a', '{"n":1}'),
      call('c', ''),
      { type: 'tool-input-start', id: 'd', toolName: 'add' },
      { type: 'tool-input-delta', id: 'd', delta: '{"n":4}' },
      finish('other'),
    )
    const chunks = await collectAll(model, hello)
    const pieces = chunks.flatMap((chunk) =>
      chunk.type === 'tool-input' ? [`${chunk.index} ${chunk.text}`] : [],
    )
    expect(pieces).toEqual(['0 ', '1 ', '1 {"n":2}', '0 {"n":', '0 1}', '3 ', '3 {"n":4}'])
    const calls = chunks.flatMap((chunk) => (chunk.type === 'tool-call' ? [chunk.toolCall] : []))
    expect(calls).toEqual([
      { id: 'a', name: 'add', arguments: { n: 1 } },
      { id: 'b', name: 'add', arguments: { n: 2 } },
      { id: 'c', name: 'add', arguments: {} },
      { id: 'd', name: 'add', arguments: { n: 4 } },
    ])
    expect(chunks.at(-1)).toMatchObject({ type: 'finish', reason: 'tool-calls' })
  })

  test('that the provider paused goes on; one that nearly keeps to the form is understood', async () => {
    const paused = mock(finish('other', 'pause_turn'))
    expect(await collect(paused.model, hello)).toMatchObject([{ reason: 'paused' }])
    const odd = mock(
      null as never,
      'text' as never,
      { type: 'text-delta', id: '0', delta: 'Hi' },
      { type: 'text-delta', delta: 5 } as never,
      { type: 'finish', finishReason: 'stop', usage: { inputTokens: 3 } } as never,
    )
    expect(await collect(odd.model, hello)).toEqual([
      { type: 'text', text: 'Hi' },
      { type: 'finish', reason: 'stop', usage: { inputTokens: 0, outputTokens: 0 } },
    ])
  })

  test('of which nothing is wanted back stores nothing', async () => {
    const { model } = mock(...text('Hi'), call('a', '{}'), finish('tool-calls'))
    expect(finishOf(await collect(model, hello))).not.toHaveProperty('providerData')
  })
})

describe('what the provider wants back', () => {
  test('goes back unchanged: thoughts, metadata, what its own tools did', async () => {
    const prompt = await promptAfter(
      { type: 'reasoning-start', id: 'r' },
      { type: 'reasoning-delta', id: 'r', delta: 'Hm.' },
      { type: 'reasoning-end', id: 'r', providerMetadata: { acme: { signature: 'signed==' } } },
      call('s', '{"q":1}', { toolName: 'search', providerExecuted: true }),
      { type: 'tool-result', toolCallId: 's', toolName: 'search', result: { found: [1] } },
      { type: 'file', mediaType: 'image/png', data: { type: 'data', data: new Uint8Array([1, 2]) } },
      { type: 'custom', kind: 'acme.block', providerMetadata: { acme: { block: [1] } } },
      ...text('So:'),
      call('theirs', '{"b":2,"a":1}', { providerMetadata: { acme: { thoughtSignature: 't' } } }),
      finish('tool-calls'),
    )
    expect(prompt).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'Hello' }] },
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'Hm.', providerOptions: { acme: { signature: 'signed==' } } },
          {
            type: 'tool-call',
            toolCallId: 's',
            toolName: 'search',
            input: { q: 1 },
            providerExecuted: true,
          },
          {
            type: 'tool-result',
            toolCallId: 's',
            toolName: 'search',
            output: { type: 'json', value: { found: [1] } },
          },
          { type: 'file', mediaType: 'image/png', data: { type: 'data', data: 'AQI=' } },
          { type: 'custom', kind: 'acme.block', providerOptions: { acme: { block: [1] } } },
          { type: 'text', text: 'So:' },
          {
            type: 'tool-call',
            toolCallId: 'theirs',
            toolName: 'add',
            input: { b: 2, a: 1 },
            providerOptions: { acme: { thoughtSignature: 't' } },
          },
        ],
      },
      {
        role: 'tool',
        content: [
          {
            type: 'tool-result',
            toolCallId: 'theirs',
            toolName: 'add',
            output: { type: 'text', value: '0' },
          },
        ],
      },
    ])
  })

  test('goes to that provider alone, and not where the agent has changed the calls', async () => {
    const data = {
      wire: 'ai-sdk',
      parts: [{ type: 'reasoning', text: 'Secret.' }],
    }
    for (const [provider, toolCalls] of [
      ['other.chat', []],
      ['acme.chat', [{ id: 'x', name: 'add', arguments: {} }]],
    ] as const) {
      const { sdk, model } = mock(finish())
      const providerData = { provider, toolCallIds: [], data: JSON.stringify(data) }
      await collect(model, {
        messages: [
          ...hello.messages,
          { role: 'assistant', content: 'Hi', toolCalls: [...toolCalls], providerData },
        ],
      })
      expect(JSON.stringify(sdk.doStreamCalls[0]?.prompt)).not.toContain('Secret')
    }
  })

  test('is apart from what a client of the runtime’s own stores for that provider', () => {
    const sdk = new MockLanguageModelV4({ provider: 'anthropic', modelId: 'x' })
    expect(createAISDKModel(sdk).provider).toBe('anthropic.ai-sdk')
    expect(createAISDKModel(sdk, { provider: 'mine' }).provider).toBe('mine')
  })
})

describe('a request', () => {
  const picture = 'data:image/png;base64,AQI='
  test('has instructions first, results of one answer in one message, pictures and settings', async () => {
    const { sdk, model } = mock(finish())
    await collect(model, {
      messages: [
        { role: 'assistant', content: 'Before.' },
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look' },
            { type: 'image', url: picture },
            { type: 'image', url: 'https://pictures.example/a.png' },
            { type: 'file', url: 'data:application/pdf;base64,AQI=', filename: 'a.pdf' },
            { type: 'file', fileId: 'file-1' },
          ],
        },
        {
          role: 'assistant',
          content: null,
          toolCalls: [
            { id: 'a', name: 'add', arguments: 'no JSON' },
            { id: 'b', name: 'look', arguments: {} },
          ],
        },
        { role: 'tool', toolCallId: 'b', content: [{ type: 'image', url: picture }] },
        { role: 'tool', toolCallId: 'a', content: '1' },
      ],
      tools: [{ name: 'add', description: 'Adds', parameters: { type: 'object' } }],
      maxOutputTokens: 5,
      temperature: 0.5,
      reasoningEffort: 'low',
      stop: ['\n'],
      promptCache: true,
      responseSchema: { name: 'answer', schema: { type: 'object' } },
    })
    const [options] = sdk.doStreamCalls
    expect(options).toMatchObject({
      maxOutputTokens: 5,
      temperature: 0.5,
      reasoning: 'low',
      stopSequences: ['\n'],
      tools: [{ type: 'function', name: 'add', description: 'Adds', inputSchema: { type: 'object' } }],
      responseFormat: { type: 'json', name: 'answer', schema: { type: 'object' } },
    })
    const [system, ...rest] = options!.prompt
    expect(system).toMatchObject({ role: 'system', content: expect.stringContaining('Be brief.') })
    expect(rest).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'Go on.' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'Before.' }] },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look' },
          { type: 'file', mediaType: 'image/png', data: { type: 'data', data: 'AQI=' } },
          {
            type: 'file',
            mediaType: 'image/*',
            data: { type: 'url', url: new URL('https://pictures.example/a.png') },
          },
          {
            type: 'file',
            mediaType: 'application/pdf',
            data: { type: 'data', data: 'AQI=' },
            filename: 'a.pdf',
          },
          {
            type: 'file',
            mediaType: 'application/octet-stream',
            data: { type: 'reference', reference: { acme: 'file-1' } },
          },
        ],
      },
      {
        role: 'assistant',
        content: [
          {
            type: 'tool-call',
            toolCallId: 'a',
            toolName: 'add',
            input: { malformed_arguments: 'no JSON' },
          },
          { type: 'tool-call', toolCallId: 'b', toolName: 'look', input: {} },
        ],
      },
      {
        role: 'tool',
        content: [
          { type: 'tool-result', toolCallId: 'a', toolName: 'add', output: { type: 'text', value: '1' } },
          {
            type: 'tool-result',
            toolCallId: 'b',
            toolName: 'look',
            output: {
              type: 'content',
              value: [{ type: 'file', mediaType: 'image/png', data: { type: 'data', data: 'AQI=' } }],
            },
          },
        ],
        providerOptions: { anthropic: { cacheControl: { type: 'ephemeral' } } },
      },
    ])
  })

  test('has no address that the model does not fetch itself: this process must not, for whoever names one', async () => {
    const { sdk, model } = mock(finish())
    const asked = collect(model, {
      messages: [{ role: 'user', content: [{ type: 'image', url: 'http://10.0.0.1/secret' }] }],
    })
    await expect(asked).rejects.toMatchObject({ code: 'invalid_request', retriable: false })
    expect(sdk.doStreamCalls).toEqual([])
  })

  test('is of the specification that the model has', async () => {
    const sdk = new MockLanguageModelV3({
      provider: 'acme.chat',
      supportedUrls: { '*/*': [/.*/] },
      doStream: async () => ({
        stream: convertArrayToReadableStream([...text('Hi'), finish()]) as never,
      }),
    })
    const request: ModelRequest = {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', url: picture },
            { type: 'image', url: 'https://a.example/b.png' },
          ],
        },
        { role: 'assistant', content: null, toolCalls: [{ id: 'a', name: 'look', arguments: {} }] },
        { role: 'tool', toolCallId: 'a', content: [{ type: 'image', url: picture }] },
      ],
    }
    expect(await collect(createAISDKModel(sdk), request)).toMatchObject([{ text: 'Hi' }, { reason: 'stop' }])
    expect(sdk.doStreamCalls[0]?.prompt).toMatchObject([
      {
        content: [
          { type: 'file', mediaType: 'image/png', data: 'AQI=' },
          { type: 'file', mediaType: 'image/*', data: new URL('https://a.example/b.png') },
        ],
      },
      {},
      { content: [{ output: { value: [{ type: 'image-data', mediaType: 'image/png', data: 'AQI=' }] } }] },
    ])
    const older = { specificationVersion: 'v2', provider: 'a', modelId: 'old' }
    const doStream = async () => ({ stream: new ReadableStream() })
    expect(() => createAISDKModel({ ...older, doStream })).toThrow(/"old" is of v2/)
  })
})

describe('a failure', () => {
  test.each<[string, unknown, object]>([
    [
      'a refusal of what the SDK was given',
      named('AI_UnsupportedFunctionalityError'),
      { code: 'invalid_request' },
    ],
    ['no key', named('AI_LoadAPIKeyError'), { code: 'access_denied', retriable: false }],
    ['a connection', new TypeError('fetch failed'), { code: 'connection', retriable: true }],
    ['something else', new Error('boom'), { code: 'server_error' }],
  ])('of the kind "%s" has its code', async (_, error, expected) => {
    const sdk = new MockLanguageModelV4({ doStream: () => Promise.reject(error) })
    await expect(collect(createAISDKModel(sdk), hello)).rejects.toMatchObject(expected)
  })

  test.each<[string, Part[], object]>([
    [
      'an error',
      [{ type: 'error', error: { type: 'overloaded_error', message: 'x' } }],
      { code: 'overloaded' },
    ],
    ['an error in text', [{ type: 'error', error: 'no capacity' }], { code: 'overloaded' }],
    [
      'no reason',
      [{ type: 'finish', usage: {}, finishReason: { unified: 'other' } } as never],
      { code: 'connection' },
    ],
    ['nothing more', [], { code: 'connection', retriable: true }],
    ['an error for its reason', [finish('error', 'failed')], { code: 'server_error' }],
  ])('in mid-stream: %s', async (_, parts, expected) => {
    const { model } = mock(...text('Hal'), ...parts)
    await expect(collect(model, hello)).rejects.toMatchObject(expected)
  })

  test('an abort ends the request with its reason', async () => {
    const stop = new AbortController()
    let given: AbortSignal | undefined
    const sdk = new MockLanguageModelV4({
      doStream: async ({ abortSignal }) => {
        given = abortSignal
        return { stream: new ReadableStream({ start: (to) => to.enqueue({ type: 'ping' }) }) }
      },
    })
    const asked = (async () => {
      for await (const _ of createAISDKModel(sdk).stream(hello, stop.signal, () =>
        stop.abort(new Error('enough')),
      )) {
        continue
      }
    })()
    await expect(Promise.race([asked, aborted(stop.signal)])).rejects.toThrow('enough')
    expect(given?.aborted).toBe(true)
  })
})

function named(name: string): Error {
  return Object.assign(new Error('The SDK says so.'), { name })
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
}

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
