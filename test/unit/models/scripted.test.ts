import { expect, test } from 'vitest'
import { createScriptedModel } from '../../../server/models/scripted.ts'
import { collect } from '../../support/model-provider.ts'

const request = { messages: [{ role: 'user' as const, content: 'Hi' }] }

test('answers request after request from its script and records them', async () => {
  const model = createScriptedModel([
    {
      reasoning: 'hm',
      text: ['a', 'b'],
      toolCalls: [{ name: 'x', arguments: {} }],
      usage: { inputTokens: 1, outputTokens: 2 },
    },
    { text: 'c', toolCalls: [{ name: 'x', arguments: {} }] },
  ])
  expect(await collect(model, request)).toEqual([
    { type: 'reasoning', text: 'hm' },
    { type: 'text', text: 'a' },
    { type: 'text', text: 'b' },
    { type: 'tool-call', toolCall: { id: 'call-1', name: 'x', arguments: {} } },
    { type: 'finish', reason: 'tool-calls', usage: { inputTokens: 1, outputTokens: 2 } },
  ])
  expect(await collect(model, request)).toContainEqual({
    type: 'tool-call',
    toolCall: { id: 'call-2', name: 'x', arguments: {} },
  })
  expect(model.requests).toEqual([request, request])
})

test('throws the errors of its script, after what comes before them', async () => {
  const error = new Error('overloaded')
  const model = createScriptedModel([{ error }, [{ type: 'text', text: 'a' }, { error }]])
  await expect(collect(model, request)).rejects.toBe(error)
  await expect(collect(model, request)).rejects.toBe(error)
})

test('waits where its script says, until the promise settles or the signal aborts', async () => {
  const gate = Promise.withResolvers<void>()
  const model = createScriptedModel([
    [{ waitFor: gate.promise }, { type: 'text', text: 'a' }],
    [{ waitFor: new Promise(() => {}) }],
  ])
  const answer = collect(model, request)
  gate.resolve()
  expect(await answer).toHaveLength(2)

  const controller = new AbortController()
  const waiting = collect(model, request, controller.signal)
  const reason = new Error('cancelled')
  controller.abort(reason)
  await expect(waiting).rejects.toBe(reason)
})

test('says so when the script has run out', async () => {
  const model = createScriptedModel([{ text: 'a' }])
  await collect(model, request)
  await expect(collect(model, request)).rejects.toThrow('The script has 1 turns, but this is request 2.')
})
