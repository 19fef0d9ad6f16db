import { expect, test } from 'vitest'
import type { LiveMessage } from '../../../client/index.ts'
import { waitingOf } from '../../../examples/chat/src/waiting.ts'

const message = (role: 'user' | 'assistant', runId: string, content: string) =>
  ({ role, runId, content, id: `${runId}:${content}`, parentId: null, createdAt: '' }) as LiveMessage
const turn = (runId: string, text: string) => ({ runId, text, agentKey: 'a', createdAt: '' })

function shown(view: Parameters<typeof waitingOf>[0]) {
  const { shown, waiting } = waitingOf(view)
  return [shown.map(({ content }) => content), waiting.map(({ text, runId }) => [text, runId])]
}

const messages = [message('user', 'r1', 'one'), message('assistant', 'r1', 'first')]

test('what is sent while another is answered waits at once, before any queue tells of it', () => {
  const sent = [...messages, message('user', 'r2', 'two'), message('user', '', 'three')]
  expect(shown({ messages: sent, queue: [], activeRunId: 'r1' })).toEqual([
    ['one', 'first'],
    [
      ['two', 'r2'],
      ['three', null],
    ],
  ])
})

test('the queue has its own order, and nothing is there twice', () => {
  const sent = [...messages, message('user', 'r2', 'two'), message('user', 'r3', 'three')]
  expect(
    shown({ messages: sent, queue: [turn('r3', 'three'), turn('r2', 'two')], activeRunId: 'r1' }),
  ).toEqual([
    ['one', 'first'],
    [
      ['three', 'r3'],
      ['two', 'r2'],
    ],
  ])
})

test('whose turn it is waits no more, also where a queue that was read before says so', () => {
  const sent = [...messages, message('user', 'r2', 'two')]
  expect(shown({ messages: sent, queue: [turn('r2', 'two')], activeRunId: 'r2' })).toEqual([
    ['one', 'first', 'two'],
    [],
  ])
})
