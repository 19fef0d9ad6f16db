// What a tool loop tells of answers, and what it asks the model.
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../server/agent/define-agent.ts'
import { toolLoop } from '../../../server/agent/tool-loop.ts'
import { createScriptedModel } from '../../../server/models/scripted.ts'
import { add, createContext } from './tool-loop-scene.ts'

describe('an answer without tools', () => {
  test('streams deltas of one message, then the message, then the usage', async () => {
    const { ctx, events } = createContext(
      createScriptedModel(
        [{ reasoning: 'hm', text: ['It is ', '3.'], usage: { inputTokens: 5, outputTokens: 2 } }],
        {
          name: 'm-1',
        },
      ),
    )
    const reply = await toolLoop(ctx)

    const messageId = expect.any(String)
    expect(events).toEqual([
      { type: 'reasoning.delta', payload: { messageId, content: 'hm' } },
      { type: 'assistant.delta', payload: { messageId, content: 'It is ' } },
      { type: 'assistant.delta', payload: { messageId, content: '3.' } },
      { type: 'assistant.message', payload: { messageId, content: 'It is 3.' } },
      { type: 'usage', payload: { model: 'm-1', inputTokens: 5, outputTokens: 2, messageId } },
    ])
    expect(
      new Set(events.slice(0, 4).map(({ payload }) => (payload as { messageId: string }).messageId)).size,
    ).toBe(1)
    expect(reply).toEqual({
      text: 'It is 3.',
      messages: [
        {
          role: 'assistant',
          content: 'It is 3.',
          id: events.flatMap(({ type, payload }) =>
            type === 'assistant.message' ? (payload as { messageId: string }).messageId : [],
          )[0],
        },
      ],
      finishReason: 'stop',
      usage: { inputTokens: 5, outputTokens: 2 },
    })
  })

  test('sends the conversation after the instructions, and the limits', async () => {
    const model = createScriptedModel([{ text: 'x' }, { text: 'x' }])
    const { ctx } = createContext(model)
    await toolLoop(ctx, { system: 'Be brief', maxOutputTokens: 9, temperature: 0 })
    await toolLoop(ctx, { messages: [{ role: 'user', content: 'other' }] })
    expect(model.requests).toEqual([
      {
        messages: [
          { role: 'system', content: 'Be brief' },
          { role: 'user', content: 'What is 1 + 2?' },
        ],
        maxOutputTokens: 9,
        temperature: 0,
      },
      { messages: [{ role: 'user', content: 'other' }] },
    ])
  })

  test("comes from another model than the run's when one is given", async () => {
    const { ctx } = createContext(createScriptedModel([]))
    expect(await toolLoop(ctx, { model: createScriptedModel([{ text: 'mine' }]) })).toMatchObject({
      text: 'mine',
    })
  })

  test('says when it was cut off', async () => {
    const cut = { type: 'finish', reason: 'length', usage: { inputTokens: 0, outputTokens: 0 } } as const
    const { ctx } = createContext(createScriptedModel([[{ type: 'text', text: 'It i' }, cut]]))
    expect(await toolLoop(ctx)).toMatchObject({ text: 'It i', finishReason: 'length' })
  })
})

test('any agent can hand on its context, with params and events of its own', () => {
  const agent = defineAgent({
    key: 'typed',
    params: z.object({ tone: z.string() }),
    output: z.object({ response: z.string() }),
    events: { 'research.progress': { schema: z.object({ percent: z.number() }) } },
    async run(ctx) {
      const { text, messages } = await toolLoop(ctx, { tools: [add] })
      await ctx.emit('research.progress', { percent: 100 })
      return { output: { response: text }, messages }
    },
  })
  expect(agent.key).toBe('typed')
})
