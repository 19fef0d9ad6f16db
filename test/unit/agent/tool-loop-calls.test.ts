// Tool calls, from the model to the tool and back.
import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../../server/agent/define-tool.ts'
import { toolLoop } from '../../../server/agent/tool-loop.ts'
import { createScriptedModel } from '../../../server/models/scripted.ts'
import { add, callAdd, createContext } from './tool-loop-scene.ts'

describe('tool calls', () => {
  test('run, are told of, and go back to the model with their results until it asks for none', async () => {
    const model = createScriptedModel([
      {
        text: 'Let me add.',
        toolCalls: [callAdd('c1', { a: 1, b: 2 })],
        usage: { inputTokens: 5, outputTokens: 2 },
      },
      { text: 'It is 3.', usage: { inputTokens: 9, outputTokens: 3 } },
    ])
    const { ctx, events, of } = createContext(model)
    const reply = await toolLoop(ctx, { tools: [add] })

    const added = (id: string) => [
      { role: 'assistant', content: 'Let me add.', toolCalls: [callAdd(id, { a: 1, b: 2 })] },
      { role: 'tool', toolCallId: id, content: '{"sum":3}' },
    ]
    const [{ toolCallId }] = of('tool.call') as [{ toolCallId: string }]
    expect(model.requests[1]?.messages).toEqual([...ctx.messages, ...added('c1')])
    expect(reply).toMatchObject({
      text: 'It is 3.',
      messages: [...added(toolCallId), { role: 'assistant', content: 'It is 3.' }],
      usage: { inputTokens: 14, outputTokens: 5 },
    })
    expect(events.map(({ type }) => type)).toEqual([
      'assistant.delta',
      'assistant.message',
      'usage',
      'tool.call',
      'tool.result',
      'assistant.delta',
      'assistant.message',
      'usage',
    ])
    expect(of('tool.call')).toEqual([
      { toolCallId, tool: 'add', arguments: { a: 1, b: 2 }, messageId: reply.messages[0]?.id },
    ])
    expect(of('tool.result')).toEqual([{ toolCallId, tool: 'add', result: { sum: 3 } }])
    const [first, second] = of('assistant.message') as { messageId: string }[]
    expect(first?.messageId).not.toBe(second?.messageId)
  })

  test('without text beside them are a turn without content', async () => {
    const { ctx, of } = createContext(
      createScriptedModel([{ toolCalls: [callAdd('c1', { a: 1 })] }, { text: '2' }]),
    )
    expect((await toolLoop(ctx, { tools: [add] })).messages[0]).toMatchObject({
      role: 'assistant',
      content: null,
    })
    expect(of('assistant.message')).toHaveLength(1)
  })

  test('are offered with the input side of their schemas', async () => {
    const model = createScriptedModel([{ text: 'x' }])
    await toolLoop(createContext(model).ctx, { tools: [add] })
    expect(model.requests[0]?.tools).toEqual([
      {
        name: 'add',
        description: 'Adds two numbers',
        parameters: {
          type: 'object',
          properties: { a: { type: 'number' }, b: { type: 'number', default: 1 } },
          required: ['a'],
        },
      },
    ])
  })

  test('of one turn run at once, and their results are told in the order of the calls', async () => {
    const gates = { slow: Promise.withResolvers<void>(), fast: Promise.withResolvers<void>() }
    const running: string[] = []
    const wait = defineTool({
      name: 'wait',
      description: 'Waits',
      input: z.object({ gate: z.enum(['slow', 'fast']) }),
      async execute({ gate }) {
        running.push(gate)
        await gates[gate].promise
        // The second call ends before the first.
        if (gate === 'fast') gates.slow.resolve()
        return gate
      },
    })
    const { ctx, of } = createContext(
      createScriptedModel([
        {
          toolCalls: [
            { id: 'c1', name: 'wait', arguments: { gate: 'slow' } },
            { id: 'c2', name: 'wait', arguments: { gate: 'fast' } },
          ],
        },
        { text: 'done' },
      ]),
    )
    const loop = toolLoop(ctx, { tools: [wait] })
    await vi.waitFor(() => expect(running).toEqual(['slow', 'fast']))
    gates.fast.resolve()
    const { messages } = await loop
    const ids = (of('tool.call') as { toolCallId: string }[]).map(({ toolCallId }) => toolCallId)
    expect(of('tool.result')).toMatchObject(ids.map((toolCallId) => ({ toolCallId })))
    expect(messages.slice(1, 3)).toEqual([
      { role: 'tool', toolCallId: ids[0], content: 'slow' },
      { role: 'tool', toolCallId: ids[1], content: 'fast' },
    ])
  })

  test('whose results are not plain JSON are told as JSON would', async () => {
    const odd = defineTool({
      name: 'odd',
      description: 'Odd',
      input: z.object({}),
      execute: () => ({ at: new Date(0), gone: undefined }),
    })
    const nothing = defineTool({
      name: 'nothing',
      description: 'No',
      input: z.object({}),
      execute: () => undefined as never,
    })
    const { ctx, of } = createContext(
      createScriptedModel([
        {
          toolCalls: [
            { name: 'odd', arguments: {} },
            { name: 'nothing', arguments: {} },
          ],
        },
        { text: 'x' },
      ]),
    )
    await toolLoop(ctx, { tools: [odd, nothing] })
    expect(of('tool.result')).toMatchObject([
      { result: { at: '1970-01-01T00:00:00.000Z' } },
      { result: null },
    ])
  })
})

test('a tool whose input no model can be told is refused where it is defined', () => {
  const rest = { description: '', execute: () => null }
  expect(() => defineTool({ ...rest, name: 'text', input: z.string() })).toThrow(
    'Tool "text": the input has to be one object schema',
  )
  expect(() => defineTool({ ...rest, name: 'date', input: z.object({ at: z.date() }) })).toThrow(
    `Tool "date": the input schema can't be written`,
  )
})
