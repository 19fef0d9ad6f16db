import { describe, expect, it } from 'vitest'
import type { RunState } from '../../../client/run-state.ts'
import { initialRunState, reduceRun, reduceRunRecord } from '../../../client/run-state.ts'
import { RUNTIME_EVENTS } from '../../../server/contract/runtime-events.ts'
import type { AnyRunEvent } from '../../../server/contract/event.ts'
import type { Json } from '../../../server/contract/json.ts'
import { runEvent, runRecord } from './fake-transport.ts'

type Told = [type: string, payload: Json, attempt?: number]

const eventsOf = (told: readonly Told[], from = 1): AnyRunEvent[] =>
  told.map(([type, payload, attempt = 1], index) => runEvent(from + index, { type, payload, attempt }))

const after = (...told: Told[]) => eventsOf(told).reduce(reduceRun, initialRunState())
const then = (state: RunState, ...told: Told[]) => eventsOf(told, state.lastSeq + 1).reduce(reduceRun, state)

const thought = (content: string, messageId = 'm1'): Told => ['reasoning.delta', { messageId, content }]
const text = (content: string, messageId = 'm1'): Told => ['assistant.delta', { messageId, content }]
const whole = (content: string, messageId = 'm1'): Told => ['assistant.message', { messageId, content }]
const call = (toolCallId: string, messageId = 'm1'): Told => [
  'tool.call',
  { toolCallId, tool: 'look', arguments: { at: toolCallId }, messageId },
]
const result = (toolCallId: string, value: Json, isError?: boolean): Told => [
  'tool.result',
  { toolCallId, tool: 'look', result: value, ...(isError === undefined ? {} : { isError }) },
]
const approval = (toolCallId: string) => ({
  name: 'approve:look:1',
  kind: 'approval',
  details: { tool: 'look', toolCallId, arguments: {}, hash: 'h' },
  schema: {},
  expiresAt: null,
})

const partsOf = ({ messages }: RunState) => messages.flatMap(({ parts }) => parts)
const statesOf = (state: RunState) =>
  partsOf(state).map((part) => (part.type === 'tool' ? `${part.toolCallId} ${part.state}` : part.type))

describe('the parts of a message', () => {
  it('are reasoning, text and tool calls, in that order', () => {
    const state = after(
      thought('Let me '),
      text('I look'),
      thought('see.'),
      whole('I look it up.'),
      call('a'),
    )
    expect(state.messages).toEqual([
      {
        id: 'm1',
        content: 'I look it up.',
        complete: true,
        parts: [
          { type: 'reasoning', text: 'Let me see.' },
          { type: 'text', text: 'I look it up.' },
          { type: 'tool', toolCallId: 'a', tool: 'look', state: 'called', input: { at: 'a' } },
        ],
      },
    ])
  })

  it('show the state of a tool call', () => {
    const input = (content: string): Told => [
      'tool.input',
      { toolCallId: 'a', tool: 'look', content, messageId: 'm1' },
    ]
    const writing = after(input('{"at'), input('":"a"'))
    expect(partsOf(writing)).toMatchObject([{ state: 'input', inputText: '{"at":"a"' }])
    expect(writing.messages).toMatchObject([{ id: 'm1', content: '', complete: false }])
    const called = then(writing, call('a'))
    expect(partsOf(called)).toMatchObject([{ state: 'called', input: { at: 'a' } }])
    const progress: Told = ['tool.progress', { toolCallId: 'a', tool: 'look', progress: 0.5 }]
    const reported = then(called, progress)
    expect(partsOf(reported)).toMatchObject([{ state: 'called', progress: 0.5 }])
    const waiting = then(reported, ['run.waiting', approval('a')])
    expect(partsOf(waiting)).toMatchObject([{ state: 'waiting', wait: waiting.waits[0] }])
    expect(statesOf(then(waiting, ['run.resumed', {}]))).toEqual(['a called'])
    expect(partsOf(then(reported, result('a', 21)))).toEqual([
      {
        type: 'tool',
        toolCallId: 'a',
        tool: 'look',
        progress: 0.5,
        input: { at: 'a' },
        state: 'succeeded',
        output: 21,
      },
    ])
    expect(partsOf(then(called, result('a', { error: 'Gone.' }, true)))).toMatchObject([
      { state: 'failed', error: 'Gone.' },
    ])
    expect(statesOf(then(reported, ['run.cancelled', {}]))).toEqual(['a interrupted'])
    expect(then(writing, ['run.cancelled', {}]).messages).toEqual([])
    expect(statesOf(reduceRunRecord(called, runRecord({ status: 'failed', attempt: 1 })))).toEqual([
      'a interrupted',
    ])
  })

  it('have a call in the message that makes it, or else in the last whole message', () => {
    const state = after(
      whole('One.'),
      whole('Two.', 'm2'),
      call('a', 'm1'),
      ['tool.call', { toolCallId: 'b', tool: 'look', arguments: null }],
      call('c', 'm3'),
    )
    expect(state.messages.map(({ id, parts }) => [id, parts.length])).toEqual([
      ['m1', 2],
      ['m2', 2],
      ['m3', 1],
    ])
    expect(state.text).toBe('Two.')
  })

  it('have a separate call with its own result if a later message reuses a call id', () => {
    const first = after(call('c'), result('c', 'A'))
    const state = then(first, call('c', 'm2'), ['tool.progress', { toolCallId: 'c', progress: 1 }])
    expect(state.messages.map(({ id }) => id)).toEqual(['m1', 'm2'])
    expect(partsOf(state)).toMatchObject([{ output: 'A' }, { state: 'called', progress: 1 }])
    expect(partsOf(then(state, result('c', 'B')))).toMatchObject([{ output: 'A' }, { output: 'B' }])
    // A later attempt repeats the first call.
    expect(then(state, ['run.started', {}, 2]).messages).toEqual([])
    const again = then(state, ['run.resumed', {}], ['tool.call', { ...Object(call('c')[1]) }, 2])
    expect(statesOf(again)).toEqual(['c succeeded', 'c called'])
  })

  it('have the agent’s own events in the message that was whole by then', () => {
    const early = after(['found', { n: 1 }], text('Lo'), ['found', { n: 2 }])
    expect(partsOf(early)).toEqual([{ type: 'text', text: 'Lo' }])
    const state = then(early, whole('Look.'), ['found', { n: 3 }], text('And', 'm2'), ['found', { n: 4 }])
    const shown = state.messages.map(({ parts }) =>
      parts.map((part) => (part.type === 'custom' ? Object(part.event.payload).n : part.type)),
    )
    expect(shown).toEqual([[1, 2, 'text', 3, 4], ['text']])
    // The next attempt may repeat any of them.
    const retrying = then(state, ['run.retrying', { messageIds: ['m2'] }])
    expect(statesOf(retrying)).toEqual(['text'])
  })

  it('never have events of the runtime as custom events', () => {
    const types = Object.keys(RUNTIME_EVENTS).filter((type) => !type.startsWith('run.'))
    const state = after(whole('Hi.'), ...types.map((type): Told => [type, {}]))
    expect(statesOf(state)).toEqual(['text'])
    // The same holds for events before the first message.
    const early = after(...types.map((type): Told => [type, {}]), whole('Hi.', 'whole'))
    expect(early.messages.at(-1)?.parts).toEqual([{ type: 'text', text: 'Hi.' }])
  })

  it('have the other waits of the run while they are pending', () => {
    const wait = { ...approval('a'), name: 'ok', kind: 'input', details: null }
    const state = after(whole('May I?'), ['run.waiting', wait])
    expect(partsOf(state)).toEqual([
      { type: 'text', text: 'May I?' },
      { type: 'wait', wait },
    ])
    expect(statesOf(then(state, ['run.started', {}, 2]))).toEqual(['text'])
  })

  it('have the messages that were sent to the run, with their files', () => {
    const content = [
      { type: 'text', text: 'See:' },
      { type: 'file', fileId: 'f1', filename: 'a.pdf' },
    ]
    const state = after(
      ['user.message', { messageId: 'u1', content }],
      ['user.message', { messageId: 'u2', content: 'Hm' }],
    )
    expect(state.messages.map(({ content: said, parts }) => [said, parts])).toEqual([
      ['See:', content],
      ['Hm', [{ type: 'text', text: 'Hm' }]],
    ])
    expect(state.text).toBe('')
  })

  it('begin anew when a later attempt says a message again, and keep its calls', () => {
    const waiting = after(thought('Hm. '), whole('May I?'), call('a'), ['run.waiting', approval('a')])
    const again = then(
      waiting,
      ['run.resumed', {}],
      ['run.started', {}, 2],
      ['assistant.delta', { messageId: 'm1', content: 'May' }, 2],
    )
    expect(partsOf(again)).toMatchObject([
      { type: 'text', text: 'May' },
      { type: 'tool', state: 'called' },
    ])
  })

  it('stay the same objects until they change', () => {
    const before = after(thought('Hm.'), whole('I look.'), call('a'), call('b'), text('So', 'm2'))
    const one = then(before, text(' it', 'm2'))
    expect(one.messages[0]).toBe(before.messages[0])
    const two = then(one, result('b', 1))
    expect(two.messages[1]).toBe(one.messages[1])
    for (const index of [0, 1, 2]) {
      expect(two.messages[0]?.parts[index]).toBe(before.messages[0]?.parts[index])
    }
    expect(two.messages[0]?.parts[3]).not.toBe(before.messages[0]?.parts[3])
  })

  it('cost the same at the end of a long answer as at its beginning', () => {
    const parts = Array.from({ length: 300 }, (_, index): Told => ['found', { index }])
    const long = after(...parts, ...Array.from({ length: 10_000 }, () => text('word ')), whole('All.'))
    expect(long.messages[0]?.parts).toHaveLength(301)
    const deltas = eventsOf(
      Array.from({ length: 10_000 }, () => text('x', 'm2')),
      20_000,
    )
    let state = long
    for (const event of deltas) state = reduceRun(state, event)
    expect(state.text).toHaveLength(10_000)
    // A delta replaces its own part and message, whatever came before.
    expect(state.messages[0]).toBe(long.messages[0])
    expect(state.messages[1]?.parts).toHaveLength(1)
  })
})

describe('the usage of a run', () => {
  const usage = (inputTokens: number, cost: number | null): Told => [
    'usage',
    { model: 'm', inputTokens, outputTokens: 2, cost },
  ]

  it('adds up over messages, attempts and children', () => {
    expect(after().usage).toBeNull()
    const state = after(usage(10, 0.5), ['run.retrying', {}], usage(5, 0.25), [
      'child.ended',
      {
        childRunId: 'c',
        agentKey: 'x',
        status: 'succeeded',
        error: null,
        usage: { inputTokens: 1, outputTokens: 1, cachedInputTokens: 1, cost: 0.25, toolCalls: 3 },
      },
    ])
    expect(state.usage).toEqual({ inputTokens: 16, outputTokens: 5, cachedInputTokens: 1, cost: 1 })
    expect(then(state, usage(1, null), usage(1, 1)).usage?.cost).toBeNull()
  })
})
