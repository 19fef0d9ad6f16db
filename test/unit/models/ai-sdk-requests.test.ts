import { convertArrayToReadableStream, MockLanguageModelV3, MockLanguageModelV4 } from 'ai/test'
import { describe, expect, test } from 'vitest'
import { createAISDKModel } from '../../../server/models/ai-sdk/index.ts'
import type { ModelRequest } from '../../../server/ports/model.ts'
import { collect } from '../../support/model-provider.ts'
import { finish, text, mock, hello } from './ai-sdk-scene.ts'
import type { Part } from './ai-sdk-scene.ts'

function named(name: string): Error {
  return Object.assign(new Error('The SDK says so.'), { name })
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
}

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
