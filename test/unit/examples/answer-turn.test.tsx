import '../react/dom.ts'
import { cleanup, render } from '@testing-library/react'
import { afterEach, expect, test, vi } from 'vitest'
import { AnswerTurn } from '../../../examples/chat/src/answer-turn.tsx'
import type { Answer } from '../../../examples/chat/src/turns.ts'
import type { Chat } from '../../../examples/chat/src/use-chat.ts'
import type { LiveMessage, MessagePart } from '../../../client/index.ts'

afterEach(cleanup)

const call: MessagePart = {
  type: 'tool',
  toolCallId: 'call_0',
  tool: 'look',
  state: 'succeeded',
  input: {},
  output: 1,
}

const message = (id: string, parts: readonly MessagePart[]): LiveMessage => ({
  ...{ id, runId: 'r', parentId: null, createdAt: '2026-01-01T00:00:00.000Z' },
  ...{ role: 'assistant', content: 'Hi', parts },
})

test('each part of an answer has a key of its own', () => {
  const complain = vi.spyOn(console, 'error').mockImplementation(() => {})
  const messages = [
    message('a', [{ type: 'text', text: 'One' }, { type: 'text', text: 'Two' }, call]),
    message('b', [{ type: 'text', text: 'Three' }, call, call]),
  ]
  const chat = { run: { isActive: true, runId: 'r' }, isBusy: true } as Chat
  const answer: Answer = { kind: 'answer', key: 'k', runId: 'r', messages }
  const { container } = render(<AnswerTurn chat={chat} answer={answer} />)
  for (const text of ['One', 'Two', 'Three']) expect(container.textContent).toContain(text)
  expect(complain).not.toHaveBeenCalled()
})
