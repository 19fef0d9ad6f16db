import { describe, expect, test } from 'vitest'
import { collectAll, streamed } from '../../support/model-provider.ts'
import { provider, model, hello, delta, finish, done, usage, ask } from './nearly-openai-scene.ts'

const piece = (...calls: unknown[]) => delta({ tool_calls: calls })

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
