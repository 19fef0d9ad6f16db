// Servers that nearly speak Anthropic's format. Each case is what one of them sent, or might send.
import { describe, expect, test } from 'vitest'
import { createAnthropicModel } from '../../../server/models/anthropic/anthropic.ts'
import type { ModelChunk } from '../../../server/ports/model.ts'
import { block, event, start, stop, text, toolUse } from '../../support/anthropic-stream.ts'
import { collect, collectAll, fakeProvider, refused, streamed } from '../../support/model-provider.ts'

const URL = 'https://models.example'
const provider = fakeProvider(`${URL}/v1/messages`)
const model = () => createAnthropicModel({ apiKey: 'sk-ant-test', baseURL: URL, model: 'm', maxRetries: 0 })
const hello = { messages: [{ role: 'user' as const, content: 'Hello' }] }

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
const oneByOne = (frames: string) =>
  Array.from(new TextEncoder().encode(frames), (byte) => new Uint8Array([byte]))
const whole = [start, ...text(0, 'Hel', 'lo'), ...stop('end_turn')]

describe('an answer', () => {
  test.for<[string, (string | Uint8Array)[]]>([
    ['cut anywhere, with CRLF', oneByOne(whole.join('').replaceAll('\n', '\r\n'))],
    ['after a byte order mark', ['\u{feff}', ...whole]],
    ['without names of events', whole.map((each) => each.replace(/^event:.*\n/, ''))],
    [
      'without types in the data',
      whole.map((each) => each.replace(/"type":"(?:message|content)[a-z_]*",?/, '')),
    ],
    ['without its first event', whole.slice(1)],
    ['whose blocks do not begin', whole.filter((each) => !each.includes('content_block_start'))],
    ['whose blocks do not end', whole.filter((each) => !each.includes('content_block_stop'))],
    ['without its last event', whole.slice(0, -1)],
    ['without a reason', whole.toSpliced(-2, 1)],
    [
      'with a reason that is null',
      [
        ...whole.slice(0, -2),
        event('message_delta', { delta: { stop_reason: null } }),
        event('message_stop'),
      ],
    ],
    [
      'with events that nobody knows',
      whole.flatMap((each) => [each, event('future', { index: 0, delta: { type: 'x' } }), 'data: ping\n\n']),
    ],
    [
      'followed by an error',
      [...whole.slice(0, -1), event('error', { error: { type: 'api_error', message: 'late' } })],
    ],
    ['in whole, from a server that does not stream', ['whole']],
  ])('%s', async ([, frames]) => {
    if (frames[0] === 'whole') {
      const content = [{ type: 'text', text: 'Hello' }]
      provider.answerWith(() =>
        Response.json({ type: 'message', content, stop_reason: 'end_turn', usage: {} }),
      )
    } else provider.answerWith(streamed(frames))
    expect(said(await collect(model(), hello))).toMatchObject({ text: 'Hello', end: { reason: 'stop' } })
  })

  test.for<[string, unknown, object]>([
    ['absent', undefined, { inputTokens: 0, outputTokens: 0 }],
    ['null', { input_tokens: null, output_tokens: 4 }, { inputTokens: 0, outputTokens: 4 }],
    ['at the end alone', { input_tokens: 3, output_tokens: 4 }, { inputTokens: 3, outputTokens: 4 }],
    ['text', { input_tokens: '3', output_tokens: '4' }, { inputTokens: 3, outputTokens: 4 }],
  ])('with counts that are %s', async ([, usage, expected]) => {
    const { end } = await ask(
      event('message_start', { message: { usage: { input_tokens: 0, output_tokens: 0 } } }),
      ...text(0, 'Hi'),
      event('message_delta', { delta: { stop_reason: 'end_turn' }, usage }),
    )
    expect(end).toMatchObject({ usage: expected })
  })

  test('has calls with their input in the block, in pieces, or without any', async () => {
    const { calls, end } = await ask(
      start,
      ...block(0, { type: 'tool_use', id: 'a', name: 'add', input: { n: 1 } }),
      ...toolUse(1, 'b', '{"n":', '2}'),
      ...block(2, { type: 'tool_use', id: 'c', name: 'now' }),
      ...stop('end_turn'),
    )
    expect(calls.map((call) => call.arguments)).toEqual([{ n: 1 }, { n: 2 }, {}])
    expect(end).toMatchObject({ reason: 'tool-calls' })
  })

  test('tells of its calls as they come', async () => {
    provider.answerWith(streamed([start, ...toolUse(0, 'a', '{"ci', 'ty":"Rome"}'), ...stop('tool_use')]))
    const pieces = (await collectAll(model(), hello)).filter((chunk) => chunk.type === 'tool-input')
    expect(pieces.map((piece) => piece.text)).toEqual(['', '{"ci', 'ty":"Rome"}'])
  })

  test.for<[string, string[], object]>([
    [
      'an overload',
      [event('error', { error: { type: 'overloaded_error' } })],
      { code: 'overloaded', retriable: true },
    ],
    ['an error without a type', [event('error')], { code: 'server_error', retriable: true }],
    ['nothing', [], { code: 'connection', retriable: true }],
    [
      'what is cut',
      ['event: content_block_delta\ndata: {"type":\n\n'],
      { code: 'connection', retriable: true },
    ],
  ])('that ends with %s is none', async ([, frames, expected]) => {
    provider.answerWith(streamed([start, ...text(0, 'Hel'), ...frames]))
    await expect(collect(model(), hello)).rejects.toMatchObject({ name: 'ModelError', ...expected })
  })
})

describe('what Anthropic’s own tools found', () => {
  const search = { type: 'server_tool_use', id: 'srv_1', name: 'web_search', input: {} }
  const found = {
    type: 'web_search_tool_result',
    tool_use_id: 'srv_1',
    content: [{ type: 'web_search_result', url: 'https://example.com', encrypted_content: 'secret==' }],
  }
  const cited = { type: 'web_search_result_location', url: 'https://example.com', encrypted_index: 'index==' }
  const frames = [
    start,
    ...block(
      0,
      { type: 'thinking', thinking: '' },
      { type: 'thinking_delta', thinking: 'hm' },
      { type: 'signature_delta', signature: 's' },
    ),
    ...block(1, search, { type: 'input_json_delta', partial_json: '{"query":"news"}' }),
    ...block(2, found),
    ...block(
      3,
      { type: 'text', text: '' },
      { type: 'citations_delta', citation: cited },
      { type: 'text_delta', text: 'It says so.' },
    ),
  ]
  const kept = [
    { type: 'thinking', thinking: 'hm', signature: 's' },
    { ...search, input: { query: 'news' } },
    found,
    { type: 'text', text: 'It says so.', citations: [cited] },
  ]

  test('is kept in whole, and an answer that pauses says so', async () => {
    expect((await ask(...frames, ...stop('end_turn'))).end).toMatchObject({
      reason: 'stop',
      providerData: kept,
    })
    expect((await ask(...frames, ...stop('pause_turn'))).end).toMatchObject({
      reason: 'paused',
      providerData: kept,
    })
  })

  test('goes back in later turns without what was thought, and without a search that nothing came of', async () => {
    const lost = { ...search, id: 'srv_2' }
    const answered = (blocks: unknown[]) => ({
      role: 'assistant' as const,
      content: 'It says so.',
      providerData: { provider: 'anthropic', toolCallIds: [], data: JSON.stringify(blocks) },
    })
    provider.answerWith(streamed(whole), streamed(whole))
    await collect(model(), { messages: [...hello.messages, answered([...kept, lost]), ...hello.messages] })
    await collect(model(), { messages: [...hello.messages, answered([...kept, lost])] })
    const sent = provider.bodies.map((body) => (body['messages'] as { content: unknown }[])[1]?.content)
    expect(sent).toEqual([kept.slice(1), [...kept, lost]])
  })
})

describe('a refusal', () => {
  const invalid = (message: string) =>
    refused(400, { type: 'error', error: { type: 'invalid_request_error', message } })

  test('of a field has it left out, of a signature what was thought, of a last word one of the user’s', async () => {
    const thought = [
      { type: 'thinking', thinking: 'hm', signature: 'of another' },
      { type: 'tool_use', id: 'a', name: 'now', input: {} },
    ]
    const messages = [
      ...hello.messages,
      {
        role: 'assistant' as const,
        content: null,
        toolCalls: [{ id: 'a', name: 'now', arguments: {} }],
        providerData: { provider: 'anthropic', toolCallIds: ['a'], data: JSON.stringify(thought) },
      },
      { role: 'tool' as const, toolCallId: 'a', content: 'noon' },
      { role: 'assistant' as const, content: 'So' },
    ]
    provider.answerWith(
      invalid('`temperature` is deprecated for this model.'),
      invalid('messages.1.content.0: Invalid `signature` in `thinking` block'),
      invalid(
        'This model does not support assistant message prefill. The conversation must end with a user message.',
      ),
      streamed(whole),
    )
    await collect(model(), { messages, temperature: 1 })
    const [first, second, third, last] = provider.bodies.map((body) => JSON.stringify(body))
    expect(first).toContain('temperature')
    expect(second).not.toContain('temperature')
    expect(third).not.toContain('of another')
    expect(last).toContain('Go on.')
  })
})
