import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineAgent, defineTool, toolLoop } from '../../../../server/index.ts'
import { createAnthropicModel } from '../../../../server/models/anthropic/index.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { ModelError } from '../../../../server/ports/model.ts'
import { start, stop, text } from '../../../support/anthropic-stream.ts'
import { fakeProvider, refused, streamed } from '../../../support/model-provider.ts'
import { test } from '../../../support/runtime.ts'

const provider = fakeProvider('https://api.anthropic.com/v1/messages')
const add = defineTool({
  name: 'add',
  description: 'Adds',
  input: z.object({ a: z.number() }),
  execute: ({ a }) => a + 1,
})
const overloaded = () => ({ error: new ModelError('full', { code: 'overloaded', retriable: true }) })

describe('ctx.llm', () => {
  test('is the default model, and called with a name another, whose answers count too', async ({
    createServer,
  }) => {
    const agent = defineAgent({
      key: 'agent',
      async run(ctx) {
        const first = await ctx.llm.generate('One?', { system: 'Be brief.' })
        const second = await ctx.llm('mine/two').generate(ctx.messages, { tools: [add] })
        const reply = await toolLoop(ctx, { model: ctx.llm('full/x', 'mine/two'), messages: ctx.messages })
        return { output: [first.text, second.toolCalls[0]?.name ?? '', reply.text] }
      },
    })
    const two = createScriptedModel(
      [
        { toolCalls: [{ name: 'add', arguments: { a: 1 } }] },
        { text: 'Two.', usage: { inputTokens: 2, outputTokens: 3 } },
      ],
      { name: 'two' },
    )
    const { rest } = await createServer({
      agents: [agent],
      model: createScriptedModel([{ text: 'One.', usage: { inputTokens: 1, outputTokens: 1 } }], {
        name: 'one',
      }),
      models: { mine: two, full: createScriptedModel([overloaded()]) },
    })
    const id = await rest.create('agent', { messages: [{ role: 'user', content: 'Hm?' }] })
    const events = await rest.events(`runs/${id}/events?include_all=1`)
    expect(events.at(-1)).toMatchObject({ output: ['One.', 'add', 'Two.'] })
    const counted = events.filter(({ type }) => type === 'usage').map((event) => event['model'])
    expect(counted).toEqual(['one', 'two', 'two'])
  })

  test('says at once what a model lacks: its key, or its name', async ({ createServer }) => {
    const agent = defineAgent({
      key: 'agent',
      params: z.string(),
      run: async (ctx) => ({ output: (await ctx.llm(ctx.params).generate('Hm?')).text }),
    })
    const { rest } = await createServer({ agents: [agent], model: createScriptedModel([]) })
    for (const [name, said] of [
      ['nobody/x', 'There is no model "nobody/x": expected "openai/…"'],
      ['anthropic/', 'There is no model "anthropic/"'],
    ]) {
      const id = await rest.create('agent', { params: name })
      expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({
        type: 'run.failed',
        code: 'model_error',
        error: expect.stringContaining(said!),
      })
    }
  })
})

describe('a provider without room', () => {
  const agent = defineAgent({
    key: 'agent',
    maxAttempts: 1,
    run: async (ctx) => ({ output: (await toolLoop(ctx)).text }),
  })
  const options = { agents: [agent], model: createAnthropicModel({ apiKey: 'sk-ant-test', maxRetries: 0 }) }

  test('is waited for in the last attempt', async ({ createServer }) => {
    provider.answerWith(refused(529, {}), streamed([start, ...text(0, 'Hi'), ...stop('end_turn')]))
    const { rest } = await createServer(options)
    const id = await rest.create('agent')
    expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
  })

  test('ends the run at once where nobody is to wait', async ({ createServer }) => {
    provider.answerWith(refused(529, {}))
    const { rest } = await createServer({ ...options, config: { modelPatienceSeconds: false } })
    const id = await rest.create('agent')
    expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({
      type: 'run.failed',
      details: { reason: 'overloaded' },
    })
  })
})
