import { describe, expect, test } from 'vitest'
import { createOpenAIModel } from '../../../server/models/openai/openai.ts'
import type { ModelChunk, ModelRequest } from '../../../server/ports/model.ts'
import { collect, collectAll, fakeProvider, refused, streamed } from '../../support/model-provider.ts'

const provider = fakeProvider('https://api.openai.com/v1/responses')
const model = () => createOpenAIModel({ apiKey: 'sk-test', api: 'responses', model: 'gpt-x', maxRetries: 0 })
const hello = { messages: [{ role: 'user' as const, content: 'Hello' }] }

const event = (type: string, fields: object = {}) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
const reasoning = { id: 'rs_1', type: 'reasoning', summary: [], encrypted_content: 'secret==' }
const called = {
  id: 'fc_1',
  type: 'function_call',
  call_id: 'call_1',
  name: 'get_weather',
  arguments: '{"city":"Rome"}',
}
const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  content: [{ type: 'output_text', text: 'Hello' }],
}
const usage = {
  input_tokens: 10,
  output_tokens: 5,
  input_tokens_details: { cached_tokens: 8, cache_write_tokens: 1 },
  output_tokens_details: { reasoning_tokens: 3 },
}
const completed = (output: object[], rest: object = {}) =>
  event('response.completed', { response: { status: 'completed', output, usage, ...rest } })
const saying = [
  event('response.created'),
  event('response.output_text.delta', { output_index: 0, delta: 'Hel' }),
  event('response.output_text.delta', { output_index: 0, delta: 'lo' }),
]
const calling = [
  event('response.reasoning_summary_text.delta', { output_index: 0, delta: 'hm' }),
  event('response.output_item.done', { output_index: 0, item: reasoning }),
  event('response.output_item.added', { output_index: 1, item: { ...called, arguments: '' } }),
  event('response.function_call_arguments.delta', { output_index: 1, delta: '{"city":' }),
  event('response.function_call_arguments.delta', { output_index: 1, delta: '"Rome"}' }),
  event('response.output_item.done', { output_index: 1, item: called }),
]
const ask = async (frames: string[], request: ModelRequest = hello) => {
  provider.answerWith(streamed(frames))
  return collect(model(), request)
}
const textOf = (chunks: readonly ModelChunk[]) =>
  chunks.map((chunk) => (chunk.type === 'text' ? chunk.text : '')).join('')

describe('an answer', () => {
  test('streams piece by piece and finishes with all that was counted', async () => {
    expect(await ask([...saying, completed([message])])).toEqual([
      { type: 'text', text: 'Hel' },
      { type: 'text', text: 'lo' },
      {
        type: 'finish',
        reason: 'stop',
        usage: {
          inputTokens: 10,
          outputTokens: 5,
          cachedInputTokens: 8,
          cacheWriteInputTokens: 1,
          reasoningTokens: 3,
        },
      },
    ])
  })

  test('calls tools, told in pieces, and has its items kept', async () => {
    provider.answerWith(streamed([...calling, completed([reasoning, called])]))
    const chunks = await collectAll(model(), hello)
    expect(chunks.flatMap((chunk) => (chunk.type === 'tool-input' ? [chunk.text] : []))).toEqual([
      '',
      '{"city":',
      '"Rome"}',
    ])
    expect(chunks).toContainEqual({
      type: 'tool-call',
      toolCall: { id: 'call_1', name: 'get_weather', arguments: { city: 'Rome' } },
    })
    expect(chunks.at(-1)).toMatchObject({
      reason: 'tool-calls',
      providerData: { wire: 'responses', server: 'api.openai.com', items: [reasoning, called] },
    })
  })

  test.for<[string, string[], string]>([
    [
      'whose output is left out at its end',
      [...saying, event('response.output_item.done', { item: message }), completed([])],
      'stop',
    ],
    [
      'without counts',
      [...saying, event('response.completed', { response: { output: [message], usage: null } })],
      'stop',
    ],
    ['said at its end alone', [completed([message])], 'stop'],
    [
      'that is too long',
      [
        ...saying,
        event('response.incomplete', { response: { incomplete_details: { reason: 'max_output_tokens' } } }),
      ],
      'length',
    ],
    [
      'that is filtered',
      [
        ...saying,
        event('response.incomplete', { response: { incomplete_details: { reason: 'content_filter' } } }),
      ],
      'content-filter',
    ],
    [
      'with events that nobody knows',
      [...saying, event('response.future', { delta: 1 }), completed([message])],
      'stop',
    ],
    [
      'whose end is [DONE]',
      [...saying, event('response.output_item.done', { item: message }), 'data: [DONE]\n\n'],
      'stop',
    ],
  ])('%s', async ([, frames, reason]) => {
    const chunks = await ask(frames)
    expect(textOf(chunks)).toBe('Hello')
    expect(chunks.at(-1)).toMatchObject({ type: 'finish', reason })
  })

  test.for<[string, string[], object]>([
    [
      'an error',
      [...saying, event('error', { code: 'rate_limit_exceeded', message: 'slow' })],
      { code: 'rate_limited' },
    ],
    [
      'a failure',
      [event('response.failed', { response: { status: 'failed', error: { code: 'server_error' } } })],
      { retriable: true },
    ],
    ['nothing', saying, { code: 'connection', retriable: true }],
  ])('that ends with %s is none', async ([, frames, expected]) => {
    await expect(ask(frames)).rejects.toMatchObject({ name: 'ModelError', ...expected })
  })
})

describe('a request', () => {
  const answered = (server: string) => ({
    role: 'assistant' as const,
    content: null,
    toolCalls: [{ id: 'ours', name: 'get_weather', arguments: { city: 'Rome' } }],
    providerData: {
      provider: 'openai',
      toolCallIds: ['call_1'],
      data: JSON.stringify({ wire: 'responses', server, items: [reasoning, called] }),
    },
  })
  const result = { role: 'tool' as const, toolCallId: 'ours', content: 'sunny' }

  test('returns the items of an answer as they came, and has nothing kept', async () => {
    await ask([completed([message])], {
      messages: [
        { role: 'system', content: 'Be brief.' },
        ...hello.messages,
        answered('api.openai.com'),
        result,
      ],
      tools: [{ name: 'get_weather', description: 'Weather', parameters: { type: 'object' } }],
      maxOutputTokens: 100,
      reasoningEffort: 'low',
      responseSchema: { name: 'answer', schema: { type: 'object' } },
    })
    expect(provider.bodies[0]).toEqual({
      model: 'gpt-x',
      stream: true,
      store: false,
      include: ['reasoning.encrypted_content'],
      max_output_tokens: 100,
      reasoning: { effort: 'low' },
      text: { format: { type: 'json_schema', name: 'answer', schema: { type: 'object' } } },
      tools: [
        {
          type: 'function',
          strict: false,
          name: 'get_weather',
          description: 'Weather',
          parameters: { type: 'object' },
        },
      ],
      input: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello' },
        reasoning,
        called,
        { type: 'function_call_output', call_id: 'call_1', output: 'sunny' },
      ],
    })
  })

  test('tells of an answer of another server’s what was called, and no more', async () => {
    await ask([completed([message])], { messages: [...hello.messages, answered('other.example'), result] })
    expect(provider.bodies[0]?.['input']).toEqual([
      { role: 'user', content: 'Hello' },
      { type: 'function_call', call_id: 'ours', name: 'get_weather', arguments: '{"city":"Rome"}' },
      { type: 'function_call_output', call_id: 'ours', output: 'sunny' },
    ])
  })

  test('carries pictures and files, and no sound', async () => {
    const url = 'data:application/pdf;base64,JVBE'
    await ask([completed([message])], {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', url: 'https://example.com/a.png' },
            { type: 'file', url },
            { type: 'file', url: 'https://example.com/a.pdf' },
          ],
        },
      ],
    })
    expect(provider.bodies[0]?.['input']).toEqual([
      {
        role: 'user',
        content: [
          { type: 'input_image', image_url: 'https://example.com/a.png', detail: 'auto' },
          { type: 'input_file', file_data: url, filename: 'file' },
          { type: 'input_file', file_url: 'https://example.com/a.pdf' },
        ],
      },
    ])
    const audio = { type: 'audio' as const, url: 'data:audio/wav;base64,UklG' }
    await expect(ask([], { messages: [{ role: 'user', content: [audio] }] })).rejects.toMatchObject({
      retriable: false,
    })
  })

  test('goes without what was thought where another account encrypted it', async () => {
    provider.answerWith(
      refused(400, {
        error: { message: 'The encrypted content could not be verified.', code: 'invalid_encrypted_content' },
      }),
      streamed([completed([message])]),
    )
    await collect(model(), { messages: [...hello.messages, answered('api.openai.com'), result] })
    expect(JSON.stringify(provider.bodies[0])).toContain('secret==')
    expect(JSON.stringify(provider.bodies[1])).not.toMatch(/secret==|fc_1/)
  })
})
