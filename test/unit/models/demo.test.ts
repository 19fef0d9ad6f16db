import { describe, expect, test } from 'vitest'
import { createDemoModel } from '../../../server/models/demo/demo.ts'
import type { Message } from '../../../server/contract/message.ts'
import type { ToolSpec } from '../../../server/ports/model.ts'
import { collect } from '../../support/model-provider.ts'

const model = createDemoModel({ tokenDelayMs: 0 })
const tool = (name: string, parameters: Record<string, unknown> = { type: 'object' }): ToolSpec => ({
  name,
  description: `What ${name} does.`,
  parameters,
})
const ALL = [tool('search_docs'), tool('calculator'), tool('current_time')]

/** What the model does with one message: its calls, and its text. */
async function ask(content: string, tools: ToolSpec[] = ALL) {
  return read(await collect(model, { messages: [{ role: 'user', content }], tools }))
}

function read(chunks: Awaited<ReturnType<typeof collect>>) {
  return {
    calls: chunks.flatMap((chunk) =>
      chunk.type === 'tool-call' ? [{ [chunk.toolCall.name]: chunk.toolCall.arguments }] : [],
    ),
    text: chunks.flatMap((chunk) => (chunk.type === 'text' ? [chunk.text] : [])).join(''),
    finish: chunks.at(-1),
  }
}

/** What it says when its calls have results. */
async function answer(question: string, ...results: [name: string, result: unknown][]) {
  const messages: Message[] = [
    { role: 'user', content: question },
    {
      role: 'assistant',
      content: null,
      toolCalls: results.map(([name], index) => ({ id: `c${index}`, name, arguments: {} })),
    },
    ...results.map(([, result], index): Message => ({
      role: 'tool',
      toolCallId: `c${index}`,
      content: JSON.stringify(result),
    })),
  ]
  return read(await collect(model, { messages, tools: ALL })).text
}

describe('arithmetic goes to the calculator', () => {
  test.for([
    ['what is 2^10?', '2^10'],
    ['12 * (3 + 4)', '12 * (3 + 4)'],
    ['Please compute 1,000 + 2,500.5', '1000 + 2500.5'],
    ['What is 15% of 80?', '15 / 100 * 80'],
    ["what's 7 times 6", '7 * 6'],
    ['ten is not a number but 10 divided by 4 is', '10 / 4'],
    ['square root of 144', 'sqrt(144)'],
    ['max(1, 2) + sqrt(16)', 'max(1, 2) + sqrt(16)'],
    ['2 * pi', '2 * pi'],
    ['How much is 24/7?', '24/7'],
    ['-5 + 3', '-5 + 3'],
    ['5 squared', '5^2'],
  ])('%s', async ([question, expression]) => {
    expect((await ask(question!)).calls).toEqual([{ calculator: { expression } }])
  })

  test.for([
    'What happened on 2024-01-15?',
    'Is support there 24/7?',
    'Does it need Node 22?',
    'Which api versions (page 3) exist?',
    'Is it 100% typed?',
  ])('but not %s', async (question) => {
    expect((await ask(question)).calls).toEqual([{ search_docs: expect.anything() }])
  })
})

describe('the time comes from current_time', () => {
  test.for([
    ['What time is it?', {}],
    ["what's the date", {}],
    ["today's date please", {}],
    ['what day is it?', {}],
    ['What time is it in Tokyo?', { timeZone: 'Asia/Tokyo' }],
    ['current time in new york', { timeZone: 'America/New_York' }],
    ['What is the time in Europe/Berlin?', { timeZone: 'Europe/Berlin' }],
    ['What time is it in UTC?', { timeZone: 'UTC' }],
    ['What time is it in Gotham City?', { timeZone: 'Gotham City' }],
  ] as const)('%s', async ([question, args]) => {
    expect((await ask(question)).calls).toEqual([{ current_time: args }])
  })

  test('but not questions that only mention time', async () => {
    expect((await ask('What is the time limit of a run?')).calls).toEqual([
      { search_docs: { query: 'time limit run' } },
    ])
  })
})

describe('notes are saved whole with save_note', () => {
  const withNotes = [...ALL, tool('save_note')]

  test.for([
    ['Save a note: buy milk', 'buy milk'],
    ['Please take a note that 2 + 2 is 4, and more', '2 + 2 is 4, and more'],
    ['Can you write a note saying hello?', 'hello?'],
  ])('%s', async ([request, text]) => {
    expect((await ask(request!, withNotes)).calls).toEqual([{ save_note: { text } }])
  })

  test.for(['How do I save an event?', 'Save a note', 'What is of note about retries?'])(
    'but not %s',
    async (question) => {
      expect((await ask(question, withNotes)).calls).not.toContainEqual({ save_note: expect.anything() })
    },
  )

  test('and where to is said, or why not', async () => {
    expect(await answer('note', ['save_note', { savedTo: 'notes.md' }])).toBe('The note is in `notes.md`.')
    expect(await answer('note', ['save_note', { error: 'The call was denied.' }])).toBe(
      'I saved no note: The call was denied.',
    )
  })
})

describe('everything else is looked up', () => {
  test('by the words that carry the topic', async () => {
    expect((await ask('How do I cancel a run that is already waiting?')).calls).toEqual([
      { search_docs: { query: 'cancel run already waiting' } },
    ])
  })

  test('beside the tools for other parts of the question', async () => {
    expect((await ask('What is 2^10 and what time is it in Paris?')).calls).toEqual([
      { calculator: { expression: '2^10' } },
      { current_time: { timeZone: 'Europe/Paris' } },
    ])
    expect(
      (await ask("What's 3+4, 5*6, max(1, 2), and what time is it in Paris and in Tokyo?")).calls,
    ).toEqual([
      { calculator: { expression: '3+4' } },
      { calculator: { expression: '5*6' } },
      { calculator: { expression: 'max(1, 2)' } },
      { current_time: { timeZone: 'Europe/Paris' } },
      { current_time: { timeZone: 'Asia/Tokyo' } },
    ])
    expect((await ask('Hello, what is 3 * 4, and how do retries behave?')).calls).toEqual([
      { calculator: { expression: '3 * 4' } },
      { search_docs: { query: 'retries behave' } },
    ])
  })
})

describe('small talk needs no tool', () => {
  test.for(['Hello!', 'hi there', 'What can you do?', 'help', 'Are you a language model?', 'Who are you?'])(
    '%s',
    async (question) => {
      const { calls, text, finish } = await ask(question)
      expect(calls).toEqual([])
      expect(text).toContain('not a language model')
      expect(text).toContain('- `calculator`: What calculator does.')
      expect(finish).toMatchObject({ type: 'finish', reason: 'stop' })
    },
  )

  test('thanks', async () => {
    expect((await ask('Thanks a lot!')).text).toBe('You are welcome.')
  })
})

describe('only tools that are offered are called', () => {
  test.for(['what is 2^10?', 'What time is it?', 'How do I cancel a run?'])('%s', async (question) => {
    const { calls, text } = await ask(question, [])
    expect(calls).toEqual([])
    expect(text).toContain('no tools')
  })

  test('and an agent of one tool gets that one called when its name is said', async () => {
    const text = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
    const weather = tool('get_weather', text)
    expect((await ask('What is the weather in New York?', [weather])).calls).toEqual([
      { get_weather: { city: 'New York' } },
    ])
    expect((await ask('Weather?', [weather])).calls).toEqual([])
    expect((await ask('List the orders', [tool('list_orders')])).calls).toEqual([{ list_orders: {} }])
  })
})

describe('answers are composed from the results', () => {
  test('of a calculation', async () => {
    expect(await answer('2^10', ['calculator', { expression: '2^10', result: 1024 }])).toBe('2^10 is 1024.')
  })

  test('of the clock', async () => {
    const result = { timeZone: 'UTC', iso: 'x', date: 'Monday 23 November 2026', time: '14:30' }
    expect(await answer('time?', ['current_time', result])).toBe(
      'It is 14:30 on Monday 23 November 2026 (UTC).',
    )
  })

  test('of a search: the best passage, and others quoted, each with its source', async () => {
    const passages = [
      { path: 'docs/runs.md', heading: 'Runs › Cancel', quote: 'Call cancel().\nIt is durable.' },
      { path: 'README.md', heading: '', quote: 'Runs agents.' },
    ]
    expect(await answer('cancel?', ['search_docs', { query: 'cancel', passages }])).toBe(
      [
        'Call cancel().\nIt is durable.',
        '*From docs/runs.md, “Runs › Cancel”.*',
        '**README.md**',
        '> Runs agents.',
      ].join('\n\n'),
    )
  })

  test('of a search that found nothing', async () => {
    expect(await answer('x', ['search_docs', { query: 'unicorns', passages: [] }])).toBe(
      'I found nothing about “unicorns” in the documentation.',
    )
  })

  test('of several tools, in the order of the calls, failures among them', async () => {
    expect(
      await answer(
        '1/0 and time',
        ['calculator', { error: '"1/0" divides by zero or is too large.' }],
        ['current_time', { error: 'There is no time zone "X"' }],
        ['get_weather', 'sunny'],
      ),
    ).toBe(
      [
        'I could not work that out: "1/0" divides by zero or is too large.',
        'I could not tell the time: There is no time zone "X".',
        '`get_weather` answered: "sunny"',
      ].join('\n\n'),
    )
  })

  test('of this turn alone: results of earlier ones are history', async () => {
    const messages: Message[] = [
      { role: 'user', content: '1 + 1' },
      {
        role: 'assistant',
        content: null,
        toolCalls: [{ id: 'demo-call-1', name: 'calculator', arguments: {} }],
      },
      { role: 'tool', toolCallId: 'demo-call-1', content: '{"expression":"1 + 1","result":2}' },
      { role: 'assistant', content: '1 + 1 is 2.' },
      { role: 'user', content: '2 + 2' },
    ]
    expect(await collect(model, { messages, tools: ALL })).toEqual([
      {
        type: 'tool-call',
        toolCall: { id: 'demo-call-2', name: 'calculator', arguments: { expression: '2 + 2' } },
      },
      { type: 'finish', reason: 'tool-calls', usage: { inputTokens: 14, outputTokens: 1 } },
    ])
  })
})

describe('streaming', () => {
  test('is token by token, with a pause after each', async () => {
    const chunks = await collect(createDemoModel({ tokenDelayMs: 1 }), {
      messages: [{ role: 'user', content: 'thanks' }],
    })
    expect(chunks).toEqual([
      { type: 'text', text: 'You ' },
      { type: 'text', text: 'are ' },
      { type: 'text', text: 'welcome.' },
      { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 3 } },
    ])
  })

  test('stops in a pause, and throws the reason, when it is aborted', async () => {
    const controller = new AbortController()
    const reason = new Error('cancelled')
    const reading = (async () => {
      const stream = createDemoModel({ tokenDelayMs: 60_000 }).stream(
        { messages: [{ role: 'user', content: 'hello' }] },
        controller.signal,
      )
      for await (const _ of stream) queueMicrotask(() => controller.abort(reason))
    })()
    await expect(reading).rejects.toBe(reason)
  })

  test('says the same to the same', async () => {
    expect(await ask('Hello')).toEqual(await ask('Hello'))
  })
})
