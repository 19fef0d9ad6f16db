import { APICallError, ToolLoopAgent, isStepCount, streamText, tool } from 'ai'
import { MockLanguageModelV4, simulateReadableStream } from 'ai/test'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { runAISDK } from '../../../../server/frameworks/ai-sdk/index.ts'
import { defineAgent } from '../../../../server/index.ts'
import {
  answerOf,
  callsTool,
  saysInAISDK,
  scriptedAISDKModel,
  textChunks,
} from '../../../support/frameworks/ai-sdk-answers.ts'
import { test } from '../../../support/runtime.ts'

const ALL = 'events?include_all=1'
const ASKED = { messages: [{ role: 'user', content: 'Hi' }] }
const USAGE = {
  inputTokens: { total: 90, noCache: 90, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 20, text: 20, reasoning: 0 },
}

type Chunk =
  Awaited<ReturnType<MockLanguageModelV4['doStream']>>['stream'] extends ReadableStream<infer T> ? T : never

function answer(chunks: Chunk[], reason: 'stop' | 'tool-calls' = 'stop') {
  const finish: Chunk = { type: 'finish', usage: USAGE, finishReason: { unified: reason, raw: reason } }
  return { stream: simulateReadableStream({ chunks: [...chunks, finish] }) }
}

const says = (text: string) =>
  answer([
    { type: 'text-start', id: '1' },
    { type: 'text-delta', id: '1', delta: text.slice(0, 2) },
    { type: 'text-delta', id: '1', delta: text.slice(2) },
    { type: 'text-end', id: '1' },
  ])

const pays = (...amounts: number[]) =>
  answer(
    amounts.map((amount) => ({
      type: 'tool-call',
      toolCallId: `call_${amount}`,
      toolName: 'pay',
      input: JSON.stringify({ amount }),
    })),
    'tool-calls',
  )

const payTool = (done: number[], needsApproval = false) =>
  tool({
    description: 'Pays',
    inputSchema: z.object({ amount: z.number() }),
    needsApproval,
    execute({ amount }) {
      done.push(amount)
      if (amount > 100) throw new Error('Too much.')
      return { paid: amount }
    },
  })

describe('an agent of the AI SDK', () => {
  test('goes on after a crash: no model is asked and no tool run again, also one that failed', async ({
    createServer,
  }) => {
    const done: number[] = []
    const model = new MockLanguageModelV4({ doStream: [pays(5, 500), says('Paid.')] })
    const agent = defineAgent({
      key: 'agent',
      maxAttempts: 2,
      async run(ctx) {
        const { text, messages } = await runAISDK(
          ctx,
          { model, tools: { pay: payTool(done) } },
          ({ model, tools, ...call }) => streamText({ model, tools, ...call, stopWhen: isStepCount(5) }),
        )
        if (ctx.attempt === 1) throw new Error('crash')
        return { output: text, messages }
      },
    })
    const { rest, trpc } = await createServer({ agents: [agent] })
    const id = await rest.create('agent', ASKED)
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', attempt: 2, output: 'Paid.' })
    expect(done.toSorted((a, b) => a - b)).toEqual([5, 500])
    expect(model.doStreamCalls).toHaveLength(2)
    const of = (type: string) => events.filter((event) => event.type === type)
    // They run side by side.
    const results = of('tool.result').map((event) => [
      event['tool_call_id'],
      event['result'],
      event['is_error'],
    ])
    expect(new Set(results)).toEqual(
      new Set([
        ['call_5', { paid: 5 }, undefined],
        ['call_500', { error: 'Too much.' }, true],
      ]),
    )
    expect([of('tool.call').length, of('usage').length, of('assistant.message').length]).toEqual([2, 2, 1])
    expect(of('run.retrying')[0]?.['message_ids']).toEqual([])
    const [said] = of('assistant.message')
    expect((await trpc.client.runs.get.query({ runId: id })).messages).toMatchObject([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', toolCalls: [{ id: 'call_5' }, { id: 'call_500' }] },
      { role: 'tool', toolCallId: 'call_5', content: '{"paid":5}' },
      { role: 'tool', toolCallId: 'call_500', content: '{"error":"Too much."}' },
      { id: said?.['message_id'], role: 'assistant', content: 'Paid.' },
    ])
  })

  test('is told what came of a call that was denied, and runs the one that was allowed', async ({
    createServer,
  }) => {
    const done: number[] = []
    const model = new MockLanguageModelV4({ doStream: [pays(1, 2), says('One is paid.')] })
    const agent = defineAgent({
      key: 'agent',
      async run(ctx) {
        const { text } = await runAISDK(
          ctx,
          { model, tools: { pay: payTool(done, true) } },
          ({ model, tools, ...call }) => new ToolLoopAgent({ model, tools }).stream(call),
        )
        return { output: text }
      },
    })
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('agent', ASKED)
    type Wait = { name: string; details: { hash: string; toolCallId: string } }
    const open = async () => (await rest.get(`runs/${id}`)).body['waits'] as Wait[]
    await expect.poll(async () => (await open()).length).toBe(2)
    const answerTo = async (toolCallId: string, more: object) => {
      const wait = (await open()).find(({ details }) => details.toolCallId === toolCallId)
      const value = { hash: wait?.details.hash, ...more }
      expect((await rest.post(`runs/${id}/respond`, { wait: wait?.name, value })).status).toBe(200)
    }
    await answerTo('call_1', { approved: false, comment: 'Too little.' })
    await expect.poll(async () => (await open()).length).toBe(1)
    await answerTo('call_2', { approved: true })
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: 'One is paid.' })
    expect(done).toEqual([2])
    expect(model.doStreamCalls).toHaveLength(2)
    expect(JSON.stringify(model.doStreamCalls[1]?.prompt)).toContain('The call was denied. Too little.')
  })

  test('that says the same twice has two messages of it', async ({ createServer }) => {
    const talking = (amount: number) =>
      answer(
        [
          { type: 'text-start', id: '1' },
          { type: 'text-delta', id: '1', delta: 'I pay.' },
          { type: 'text-end', id: '1' },
          {
            type: 'tool-call',
            toolCallId: `call_${amount}`,
            toolName: 'pay',
            input: JSON.stringify({ amount }),
          },
        ],
        'tool-calls',
      )
    const model = new MockLanguageModelV4({ doStream: [talking(1), talking(2), says('Paid.')] })
    const agent = defineAgent({
      key: 'agent',
      async run(ctx) {
        const { messages } = await runAISDK(
          ctx,
          { model, tools: { pay: payTool([]) } },
          ({ model, tools, ...call }) => new ToolLoopAgent({ model, tools }).stream(call),
        )
        return { messages }
      },
    })
    const { rest, trpc } = await createServer({ agents: [agent] })
    const id = await rest.create('agent', ASKED)
    const events = await rest.events(`runs/${id}/${ALL}`)
    const told = events.filter(({ type }) => type === 'assistant.message').map((event) => event['message_id'])
    const { messages } = await trpc.client.runs.get.query({ runId: id })
    expect(messages.filter(({ role }) => role === 'assistant').map((message) => message.id)).toEqual(told)
    expect(new Set(told).size).toBe(3)
  })

  test('asks no model beyond the budget of its run', async ({ createServer }) => {
    const model = new MockLanguageModelV4({ doStream: [pays(1), says('Never')] })
    const agent = defineAgent({
      key: 'agent',
      budget: { tokens: 100 },
      async run(ctx) {
        await runAISDK(ctx, { model, tools: { pay: payTool([]) } }, ({ model, tools, ...call }) =>
          new ToolLoopAgent({ model, tools }).stream(call),
        )
      },
    })
    const { rest } = await createServer({ agents: [agent] })
    const events = await rest.events(`runs/${await rest.create('agent', ASKED)}/events`)
    expect(events.at(-1)).toMatchObject({ type: 'run.failed', code: 'budget_exceeded' })
    expect(model.doStreamCalls).toHaveLength(1)
  })

  test('has a result of each call, also of those that no tool was run for', async ({ createServer }) => {
    const model = scriptedAISDKModel([
      callsTool('pay', { amount: 'much' }, 'call_1'),
      callsTool('fly', {}, 'call_2'),
      callsTool('pay', { amount: 5 }, 'call_3'),
      saysInAISDK('Ended.'),
    ])
    const agent = defineAgent({
      key: 'agent',
      async run(ctx) {
        await runAISDK(ctx, { model, tools: { pay: payTool([], true) } }, ({ model, tools, ...call }) =>
          new ToolLoopAgent({ model, tools }).stream(call),
        )
      },
    })
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('agent', ASKED)
    const waiting = (await (await rest.stream(`runs/${id}/events`)).until('run.waiting')).at(-1)
    const { hash } = Object(waiting?.['details']) as { hash?: string }
    await rest.post(`runs/${id}/respond`, { wait: waiting?.['name'], value: { hash, approved: false } })
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded' })
    expect(events.filter(({ type }) => type === 'tool.result')).toMatchObject([
      { tool: 'pay', tool_call_id: 'call_1', is_error: true },
      { tool: 'fly', tool_call_id: 'call_2', is_error: true },
      { tool: 'pay', tool_call_id: 'call_3', is_error: true, result: { error: 'The call was denied.' } },
    ])
  })

  test('whose SDK asks again by itself goes on after a crash as any other', async ({ createServer }) => {
    const done: number[] = []
    const overloaded = new APICallError({
      message: 'overloaded',
      url: 'http://localhost',
      requestBodyValues: {},
      statusCode: 503,
      isRetryable: true,
      responseHeaders: { 'retry-after-ms': '1' },
    })
    let asked = 0
    const model = scriptedAISDKModel(
      [overloaded, callsTool('pay', { amount: 5 }, 'call_1'), saysInAISDK('Paid.')],
      () => (asked += 1),
    )
    const agent = defineAgent({
      key: 'agent',
      maxAttempts: 2,
      async run(ctx) {
        const { text, messages } = await runAISDK(
          ctx,
          { model, tools: { pay: payTool(done) } },
          ({ model, tools, ...call }) => new ToolLoopAgent({ model, tools }).stream(call),
        )
        if (ctx.attempt === 1) throw new Error('crash')
        return { output: text, messages }
      },
    })
    const { rest } = await createServer({ agents: [agent] })
    const events = await rest.events(`runs/${await rest.create('agent', ASKED)}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', attempt: 2, output: 'Paid.' })
    expect([done, asked]).toEqual([[5], 3])
  })

  test.for([
    [
      'with an error',
      answerOf([...textChunks('Half an'), { type: 'error', error: new Error('broke') }], 'error'),
    ],
    [
      'with an error and says that it is done',
      answerOf([...textChunks('Half an'), { type: 'error', error: new Error('broke') }]),
    ],
    ['without saying why', answerOf(textChunks('Half an'), 'error')],
  ] as const)(
    'whose model breaks off %s is asked again by the next attempt',
    async ([, broken], { createServer }) => {
      const model = scriptedAISDKModel([broken, saysInAISDK('A whole answer.')])
      const agent = defineAgent({
        key: 'agent',
        maxAttempts: 2,
        async run(ctx) {
          const { text } = await runAISDK(ctx, { model }, ({ model, tools, ...call }) =>
            new ToolLoopAgent({ model, tools }).stream(call),
          )
          return { output: text }
        },
      })
      const { rest } = await createServer({ agents: [agent] })
      const events = await rest.events(`runs/${await rest.create('agent', ASKED)}/${ALL}`)
      expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', attempt: 2, output: 'A whole answer.' })
      const told = events.filter(({ type }) => type === 'assistant.message')
      expect(told).toMatchObject([{ content: 'A whole answer.' }])
    },
  )
})
