import { MockLanguageModelV4 } from 'ai/test'
import { describe, expect, test } from 'vitest'
import type { AgentMessage } from '../../../server/contract/message.ts'
import { createAISDKModel } from '../../../server/models/ai-sdk/index.ts'
import { collect, collectAll } from '../../support/model-provider.ts'
import { finish, text, mock, hello, finishOf } from './ai-sdk-scene.ts'
import type { Part } from './ai-sdk-scene.ts'

const call = (toolCallId: string, input: string, rest: object = {}): Part => ({
  type: 'tool-call',
  toolCallId,
  toolName: 'add',
  input,
  ...rest,
})

/** The prompt of the next request, after an answer with these parts and the results of its calls. */
async function promptAfter(...parts: readonly Part[]) {
  const { model } = mock(...parts)
  const chunks = await collect(model, hello)
  const toolCalls = chunks.flatMap((chunk) => (chunk.type === 'tool-call' ? [chunk.toolCall] : []))
  const data = finishOf(chunks)?.providerData
  const answered: AgentMessage = {
    role: 'assistant',
    content: chunks.flatMap((chunk) => (chunk.type === 'text' ? [chunk.text] : [])).join('') || null,
    // As the runtime stores it: with its own ids, and the provider's beside them.
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
