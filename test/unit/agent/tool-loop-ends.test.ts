// How a tool loop ends before the model has finished its answer.
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../../server/agent/define-tool.ts'
import { toolLoop } from '../../../server/agent/tool-loop.ts'
import { type Model, ModelError } from '../../../server/ports/model.ts'
import { createScriptedModel } from '../../../server/models/scripted.ts'
import { add, callAdd, createContext } from './tool-loop-scene.ts'

test('the loop ends with what there is after its last turn, whose tools are run', async () => {
  const model = createScriptedModel(
    [1, 2, 3].map((a) => ({ text: `${a}`, toolCalls: [callAdd(`c${a}`, { a })] })),
  )
  const reply = await toolLoop(createContext(model).ctx, { tools: [add], maxTurns: 2 })
  expect(reply).toMatchObject({ text: '2', finishReason: 'max-turns' })
  expect(reply.messages.map(({ role }) => role)).toEqual(['assistant', 'tool', 'assistant', 'tool'])
  expect(model.requests).toHaveLength(2)
})

describe('the loop ends with an error', () => {
  test('when the model fails', async () => {
    const error = new ModelError('overloaded', { retriable: true })
    const { ctx, of } = createContext(createScriptedModel([[{ type: 'text', text: 'It' }, { error }]]))
    await expect(toolLoop(ctx)).rejects.toBe(error)
    expect(of('assistant.delta')).toHaveLength(1)
    expect(of('assistant.message')).toHaveLength(0)
  })

  test('when the model stops without finishing', async () => {
    const silent: Model = { provider: 'x', name: 'silent', async *stream() {} }
    await expect(toolLoop(createContext(silent).ctx)).rejects.toMatchObject({
      name: 'ModelError',
      retriable: true,
    })
  })

  test('when two tools share a name', async () => {
    const { ctx } = createContext(createScriptedModel([]))
    await expect(toolLoop(ctx, { tools: [add, add] })).rejects.toThrow(TypeError)
  })

  test('when it is given an option that is none', async () => {
    const { ctx } = createContext(createScriptedModel([]))
    await expect(toolLoop(ctx, { system: '', ...{ maxTurn: 3 } })).rejects.toThrow(
      new TypeError('toolLoop: there is no option maxTurn, did you mean maxTurns?'),
    )
  })
})

describe('an abort ends the loop with its reason', () => {
  const reason = new Error('cancelled')

  test('while the model streams', async () => {
    const controller = new AbortController()
    const never = new Promise(() => {})
    const { ctx } = createContext(
      createScriptedModel([[{ type: 'text', text: 'a' }, { waitFor: never }]]),
      controller.signal,
    )
    const loop = toolLoop(ctx)
    controller.abort(reason)
    await expect(loop).rejects.toBe(reason)
  })

  test('while a tool runs, whatever the tool makes of it', async () => {
    const controller = new AbortController()
    const started = Promise.withResolvers<void>()
    const sleepy = defineTool({
      name: 'sleepy',
      description: 'Sleeps',
      input: z.object({}),
      execute: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('my own words')))
          started.resolve()
        }),
    })
    const { ctx, of, warn } = createContext(
      createScriptedModel([{ toolCalls: [{ name: 'sleepy', arguments: {} }] }]),
      controller.signal,
    )
    const loop = toolLoop(ctx, { tools: [sleepy] })
    await started.promise
    controller.abort(reason)
    await expect(loop).rejects.toBe(reason)
    expect(of('tool.result')).toEqual([])
    expect(warn).not.toHaveBeenCalled()
  })
})
