// Servers that nearly speak OpenAI's format. Each case is what one of them sent, or might send.
import { describe, expect, test, vi } from 'vitest'
import { collect, streamed } from '../../support/model-provider.ts'
import {
  provider,
  model,
  hello,
  frame,
  choice,
  delta,
  text,
  finish,
  done,
  usage,
  said,
  ask,
} from './nearly-openai-scene.ts'

const bytesOf = (...frames: string[]) => new TextEncoder().encode(frames.join(''))
const oneByOne = (bytes: Uint8Array) => Array.from(bytes, (byte) => new Uint8Array([byte]))

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
