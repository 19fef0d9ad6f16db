import { AIMessage, HumanMessage } from '@langchain/core/messages'
import { FakeListChatModel } from '@langchain/core/utils/testing'
import { ChatOpenAI } from '@langchain/openai'
import { Annotation, END, MessagesAnnotation, START, StateGraph, interrupt } from '@langchain/langgraph'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { runGraph } from '../../../../server/frameworks/langgraph/index.ts'
import { defineAgent } from '../../../../server/index.ts'
import type { AgentContext, Json } from '../../../../server/index.ts'
import { sending, startLoopbackProvider } from '../../../support/loopback-provider.ts'
import { chatWire } from '../../../support/model-wires.ts'
import { test } from '../../../support/runtime.ts'

const ALL = 'events?include_all=1'

const agentOf = (run: (ctx: AgentContext) => Promise<Json>) =>
  defineAgent({
    key: 'graph',
    maxAttempts: 5,
    output: z.json(),
    run: async (ctx) => ({ output: await run(ctx) }),
  })

const Log = Annotation.Root({
  log: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
})

describe('a graph', () => {
  test('goes on after the nodes that finished, with what they wrote', async ({ createServer }) => {
    const done: string[] = []
    const node = (name: string) => () => {
      done.push(name)
      return { log: [name] }
    }
    let failures = 0
    const graph = new StateGraph(Log)
      .addNode('first', node('first'))
      .addNode('second', () => {
        failures += 1
        if (failures <= 2) throw new Error('not yet')
        return node('second')()
      })
      .addNode('last', node('last'))
      .addEdge(START, 'first')
      .addEdge('first', 'second')
      .addEdge('second', 'last')
      .addEdge('last', END)
      .compile()
    const agent = agentOf(async (ctx) => (await runGraph(ctx, graph, { input: {} })).state.log)
    const { rest } = await createServer({ agents: [agent] })
    const events = await rest.events(`runs/${await rest.create('graph')}/${ALL}`)
    expect(events.at(-1)).toMatchObject({
      type: 'run.succeeded',
      attempt: 3,
      output: ['first', 'second', 'last'],
    })
    expect(done).toEqual(['first', 'second', 'last'])
  })

  test('that had ended before its process died is not run again', async ({ createServer }) => {
    let runs = 0
    const graph = new StateGraph(Log)
      .addNode('only', () => ({ log: [`run ${(runs += 1)}`] }))
      .addEdge(START, 'only')
      .compile()
    const agent = agentOf(async (ctx) => {
      const { state } = await runGraph(ctx, graph, { input: {} })
      if (ctx.attempt === 1) throw new Error('crash')
      return state.log
    })
    const { rest } = await createServer({ agents: [agent] })
    const events = await rest.events(`runs/${await rest.create('graph')}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: ['run 1'] })
  })

  test('asks for all at once where nodes ask side by side, and one after the other where one asks twice', async ({
    createServer,
  }) => {
    let finished = 0
    const graph = new StateGraph(Log)
      .addNode('twice', () => {
        const first: unknown = interrupt('first?')
        const second: unknown = interrupt(
          { question: 'second?', after: first },
          { responseSchema: z.number() },
        )
        return { log: [`${String(first)} ${String(second)}`] }
      })
      .addNode('once', () => {
        const other = String(interrupt('other?'))
        finished += 1
        return { log: [other] }
      })
      .addEdge(START, 'twice')
      .addEdge(START, 'once')
      .compile()
    const agent = agentOf(async (ctx) => (await runGraph(ctx, graph, { input: {} })).state.log.toSorted())
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('graph')
    type Wait = { name: string; details: unknown }
    const open = async () => (await rest.get(`runs/${id}`)).body['waits'] as Wait[]
    const questions = async () => (await open()).map(({ details }) => details)
    const answer = async (details: unknown, value: Json) => {
      const wait = (await open()).find((each) => JSON.stringify(each.details) === JSON.stringify(details))
      return (await rest.post(`runs/${id}/respond`, { wait: wait?.name, value })).status
    }
    await expect.poll(async () => new Set(await questions())).toEqual(new Set(['first?', 'other?']))
    expect(await answer('first?', 'one')).toBe(200)
    await expect.poll(questions).toEqual(['other?'])
    expect(await answer('other?', 'three')).toBe(200)
    const second = { after: 'one', question: 'second?' }
    await expect.poll(questions).toEqual([second])
    // Answers are checked by the schema that the node gave.
    expect(await answer(second, 'no number')).toBe(400)
    expect(await answer(second, 2)).toBe(200)
    expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({
      type: 'run.succeeded',
      output: ['one 2', 'three'],
    })
    expect(finished).toBe(1)
  })

  test('within a graph keeps its own state, and tells of its model', async ({ createServer }) => {
    let runs = 0
    const model = new FakeListChatModel({ responses: ['Hello'] })
    const inner = new StateGraph(MessagesAnnotation)
      .addNode('greet', async ({ messages }) => {
        runs += 1
        return { messages: [await model.invoke(messages)] }
      })
      .addNode('ask', () => ({ messages: [new HumanMessage(String(interrupt('name?')))] }))
      .addEdge(START, 'greet')
      .addEdge('greet', 'ask')
      .compile()
    const graph = new StateGraph(MessagesAnnotation).addNode('inner', inner).addEdge(START, 'inner').compile()
    const agent = defineAgent({
      key: 'graph',
      run: async (ctx) => ({ messages: (await runGraph(ctx, graph)).messages }),
    })
    const { rest, trpc } = await createServer({ agents: [agent] })
    const id = await rest.create('graph', { messages: [{ role: 'user', content: 'Hi' }] })
    const waiting = (await (await rest.stream(`runs/${id}/events`)).until('run.waiting')).at(-1)
    expect((await rest.post(`runs/${id}/respond`, { wait: waiting?.['name'], value: 'Ann' })).status).toBe(
      200,
    )
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(runs).toBe(1)
    expect(events.filter(({ type }) => type === 'assistant.message')).toMatchObject([{ content: 'Hello' }])
    expect((await trpc.client.runs.get.query({ runId: id })).messages).toMatchObject([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello' },
      { role: 'user', content: 'Ann' },
    ])
  })

  test('tells of messages that no model streamed, and of those alone that are new', async ({
    createServer,
  }) => {
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('talk', ({ messages }) => ({ messages: [...messages, new AIMessage('Made by hand')] }))
      .addEdge(START, 'talk')
      .compile()
    const agent = defineAgent({
      key: 'graph',
      maxAttempts: 2,
      async run(ctx) {
        const { messages } = await runGraph(ctx, graph)
        if (ctx.attempt === 1) throw new Error('crash')
        return { messages }
      },
    })
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('graph', {
      messages: [
        { role: 'assistant', content: 'Before' },
        { role: 'user', content: 'Hi' },
      ],
    })
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.filter(({ type }) => type === 'assistant.message')).toMatchObject([
      { content: 'Made by hand' },
    ])
    expect(events.find(({ type }) => type === 'run.retrying')?.['message_ids']).toEqual([])
  })

  test('tells what a model said whose server tells no role', async ({ createServer }) => {
    await using provider = await startLoopbackProvider()
    provider.answerWith(sending(chatWire.frames({ said: [{ text: 'Sunny' }] })))
    const configuration = { baseURL: provider.url }
    const model = new ChatOpenAI({ model: 'm', apiKey: 'key', maxRetries: 0, configuration })
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('model', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
      .addEdge(START, 'model')
      .compile()
    const agent = agentOf(async (ctx) => (await runGraph(ctx, graph)).text)
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('graph', { messages: [{ role: 'user', content: 'Hi' }] })
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.filter(({ type }) => type === 'assistant.message')).toMatchObject([{ content: 'Sunny' }])
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: 'Sunny' })
  })

  test('hands what nodes write to the agent', async ({ createServer }) => {
    const graph = new StateGraph(Log)
      .addNode('work', (_, { writer }) => {
        writer?.({ percent: 50 })
        return { log: ['done'] }
      })
      .addEdge(START, 'work')
      .compile()
    const agent = defineAgent({
      key: 'graph',
      events: { progress: { schema: z.object({ percent: z.number() }) } },
      async run(ctx) {
        await runGraph(ctx, graph, {
          input: {},
          onCustom: (chunk) => ctx.emit('progress', chunk as { percent: number }),
        })
      },
    })
    const { rest } = await createServer({ agents: [agent] })
    const events = await rest.events(`runs/${await rest.create('graph')}/${ALL}`)
    expect(events.filter(({ type }) => type === 'progress')).toMatchObject([{ payload: { percent: 50 } }])
  })

  test('asks no model beyond the budget of its run', async ({ createServer }) => {
    let asked = 0
    const model = new FakeListChatModel({ responses: ['Hello'] })
    model.invoke = async () => {
      asked += 1
      const message = new AIMessage('Hello')
      return Object.assign(message, {
        usage_metadata: { input_tokens: 90, output_tokens: 20, total_tokens: 110 },
      })
    }
    const other = new FakeListChatModel({ responses: ['Never'] })
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('first', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
      .addNode('second', async ({ messages }) => ({ messages: [await other.invoke(messages)] }))
      .addEdge(START, 'first')
      .addEdge('first', 'second')
      .compile()
    const agent = defineAgent({
      key: 'graph',
      budget: { tokens: 100 },
      async run(ctx) {
        await runGraph(ctx, graph)
      },
    })
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('graph', { messages: [{ role: 'user', content: 'Hi' }] })
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.failed', code: 'budget_exceeded' })
    expect(asked).toBe(1)
    expect(JSON.stringify(events)).not.toContain('Never')
  })

  test.for([
    [
      'takes too many steps',
      () =>
        new StateGraph(Log)
          .addNode('again', () => ({ log: ['again'] }))
          .addEdge(START, 'again')
          .addEdge('again', 'again')
          .compile(),
    ],
    [
      'stops at a breakpoint',
      () =>
        new StateGraph(Log)
          .addNode('work', () => ({ log: ['work'] }))
          .addEdge(START, 'work')
          .compile({ interruptBefore: ['work'] }),
    ],
  ] as const)('that %s fails, and is not tried again', async ([, graphOf], { createServer }) => {
    const agent = agentOf(async (ctx) => (await runGraph(ctx, graphOf(), { input: {} })).state.log)
    const { rest } = await createServer({ agents: [agent] })
    const events = await rest.events(`runs/${await rest.create('graph')}/events`)
    expect(events.map(({ type }) => type)).toEqual(['run.started', 'run.failed'])
  })

  test('is not run with a copy of the context', async ({ createServer }) => {
    const graph = new StateGraph(Log)
      .addNode('only', () => ({}))
      .addEdge(START, 'only')
      .compile()
    const agent = agentOf(async (ctx) =>
      runGraph({ ...ctx }, graph).then(
        () => 'ran',
        (error: Error) => error.message,
      ),
    )
    const { rest } = await createServer({ agents: [agent] })
    const events = await rest.events(`runs/${await rest.create('graph')}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ output: expect.stringContaining('no copy of it') })
  })
})
