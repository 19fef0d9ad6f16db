import fc from 'fast-check'
import { expect, test } from 'vitest'
import { safeCuts } from '../../../server/agent/safe-cuts.ts'
import type { AgentMessage } from '../../../server/contract/message.ts'

const ids = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 2 })
const message: fc.Arbitrary<AgentMessage> = fc.oneof(
  fc.constant({ role: 'user' as const, content: 'Hi' }),
  ids.map((calls) => ({
    role: 'assistant' as const,
    content: null,
    toolCalls: calls.map((id) => ({ id, name: 't', arguments: {} })),
  })),
  fc
    .constantFrom('a', 'b', 'c', 'd')
    .map((toolCallId) => ({ role: 'tool' as const, toolCallId, content: 'x' })),
)

test('no cut parts a result from a call before it, in whatever history', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 12 }), (messages) => {
      for (const cut of safeCuts(messages)) {
        const called = new Set<string>()
        for (const each of messages.slice(cut)) {
          if (each.role === 'assistant') for (const { id } of each.toolCalls ?? []) called.add(id)
          if (each.role !== 'tool' || called.has(each.toolCallId)) continue
          const isBefore = messages
            .slice(0, cut)
            .some(
              (other) =>
                other.role === 'assistant' && other.toolCalls?.some(({ id }) => id === each.toolCallId),
            )
          expect(isBefore).toBe(false)
        }
      }
    }),
  )
})

test('a history of turns that are whole can be cut in front of each', () => {
  const call = {
    role: 'assistant' as const,
    content: null,
    toolCalls: [{ id: 'a', name: 't', arguments: {} }],
  }
  const result = { role: 'tool' as const, toolCallId: 'a', content: 'x' }
  const user = { role: 'user' as const, content: 'Hi' }
  expect(safeCuts([user, call, result, user, { role: 'assistant', content: 'Hello' }])).toEqual([0, 1, 3, 4])
})
