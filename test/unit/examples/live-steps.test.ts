import { expect, test } from 'vitest'
import { liveSteps } from '../../../examples/chat/src/live-steps.ts'

type Events = Parameters<typeof liveSteps>[0]['events']

/** Of one attempt, in this order. */
const events = (...told: [type: string, payload: object][]) =>
  told.map(([type, payload], index) => ({ type, payload, seq: index + 1, attempt: 1 })) as unknown as Events

const call = (toolCallId: string) =>
  ['tool.call', { toolCallId, tool: 'look', arguments: { at: toolCallId } }] as [string, object]

function shown(told: Events, isActive = true) {
  const { before, rest } = liveSteps({ runId: 'run', events: told, isActive }) ?? {
    before: new Map(),
    rest: [],
  }
  const of = (steps: readonly { key: string; state: string }[]) =>
    steps.map(({ key, state }) => `${key} ${state}`)
  return { before: [...before].map(([id, steps]) => [id, of(steps)]), rest: of(rest) }
}

test('steps come before the text that follows them, and tell how they went', () => {
  const told = events(
    ['reasoning.delta', { messageId: 'm1', content: 'Let me ' }],
    ['reasoning.delta', { messageId: 'm1', content: 'see.' }],
    call('a'),
    call('b'),
    ['tool.result', { toolCallId: 'a', tool: 'look', result: 1 }],
    ['tool.result', { toolCallId: 'b', tool: 'look', result: { error: 'gone' }, isError: true }],
    ['assistant.delta', { messageId: 'm2', content: 'It is' }],
    call('c'),
  )
  expect(shown(told)).toEqual({
    before: [['m2', ['reasoning m1 done', 'a done', 'b failed']]],
    rest: ['c running'],
  })
  expect(liveSteps({ runId: 'run', events: told, isActive: true })?.before.get('m2')?.[0]).toMatchObject({
    text: 'Let me see.',
  })
})

test('what was under way when the run ended has failed', () => {
  expect(shown(events(call('a')), false).rest).toEqual(['a failed'])
})

test('of an attempt that failed stays what is done', () => {
  const told = events(
    ['reasoning.delta', { messageId: 'm1', content: 'Hm.' }],
    call('a'),
    ['tool.result', { toolCallId: 'a', tool: 'look', result: 1 }],
    call('b'),
    ['assistant.delta', { messageId: 'm2', content: 'It' }],
    ['run.retrying', { messageIds: ['m2'] }],
    ['assistant.delta', { messageId: 'm3', content: 'It is' }],
  )
  expect(shown(told)).toEqual({ before: [['m3', ['a done']]], rest: [] })
})

test('a run that is not there has none', () => {
  expect(liveSteps({ runId: null, events: [], isActive: false })).toBeUndefined()
})
