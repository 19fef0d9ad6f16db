import { describe, expect, it } from 'vitest'
import { partsOf } from '../../../client/index.ts'
import type { Message } from '../../../server/contract/message.ts'

const user: Message = { role: 'user', content: 'Look.' }
const calling = (...calls: [id: string, at: string][]): Message => ({
  role: 'assistant',
  content: null,
  toolCalls: calls.map(([id, at]) => ({ id, name: 'look', arguments: { at } })),
})
const result = (toolCallId: string, content: string): Message => ({ role: 'tool', toolCallId, content })

const outcomesOf = (messages: readonly Message[]) =>
  messages.map((message) =>
    partsOf(message, messages).flatMap((part) =>
      part.type !== 'tool' ? [] : [part.state === 'succeeded' ? part.output : part.state],
    ),
  )

describe('the parts of stored messages, if a provider reuses call ids', () => {
  it('have the result that follows the call', () => {
    const history = [
      ...[user, calling(['c', 'a']), result('c', 'A'), user],
      ...[calling(['c', 'b']), result('c', 'B'), calling(['c', 'z'])],
    ]
    expect(outcomesOf(history)).toEqual([[], ['A'], [], [], ['B'], [], ['interrupted']])
  })

  it('have results in the order of the calls if one message has an id twice', () => {
    const history = [calling(['c', 'a'], ['d', 'x'], ['c', 'b']), ...['A', 'B'].map((at) => result('c', at))]
    expect(outcomesOf(history)[0]).toEqual(['A', 'interrupted', 'B'])
  })

  it('have no result for a call that was never answered', () => {
    const history = [calling(['c', 'a']), user, calling(['c', 'b']), result('c', 'B')]
    expect(outcomesOf(history)).toEqual([['interrupted'], [], ['B'], []])
  })

  it('are also found for a copy of a message', () => {
    const call = calling(['c', 'a'])
    expect(partsOf({ ...call }, [call, result('c', 'A')])).toMatchObject([{ output: 'A' }])
  })
})
