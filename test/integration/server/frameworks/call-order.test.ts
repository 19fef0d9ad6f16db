// Calls that are told apart by their order stay apart when an attempt starts in the middle.
import { AIMessage } from '@langchain/core/messages'
import { MessagesAnnotation, START, StateGraph, interrupt } from '@langchain/langgraph'
import { Agent, tool } from '@openai/agents'
import { ScriptedModel, assistantMessage, functionCall } from '@openai/agents/testing'
import { ToolLoopAgent, tool as aiTool } from 'ai'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { runAISDK } from '../../../../server/frameworks/ai-sdk/index.ts'
import { runGraph } from '../../../../server/frameworks/langgraph/index.ts'
import { runAgent } from '../../../../server/frameworks/openai-agents/index.ts'
import { defineAgent, defineTool, toolLoop } from '../../../../server/index.ts'
import type { AgentContext, Json } from '../../../../server/index.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { callsTool, saysInAISDK, scriptedAISDKModel } from '../../../support/frameworks/ai-sdk-answers.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'

const ALL = 'events?include_all=1'
const ASKED = { messages: [{ role: 'user', content: 'Hi' }] }

const agentOf = (run: (ctx: AgentContext) => Promise<Json>) =>
  defineAgent({
    key: 'agent',
    maxAttempts: 3,
    output: z.json(),
    run: async (ctx) => ({ output: await run(ctx) }),
  })

type Wait = { name: string; details: { hash: string; toolCallId: string } }

async function nextWait(rest: RestClient, id: string, isIt: (wait: Wait) => boolean = () => true) {
  let found: Wait | undefined
  await expect
    .poll(async () => {
      found = ((await rest.get(`runs/${id}`)).body['waits'] as Wait[]).find(isIt)
      return found
    })
    .toBeDefined()
  return found as Wait
}

/** Each call reads one page. A caller that reads a page again gets the same. */
function createPages() {
  let turned = 0
  return () => `page ${(turned += 1)}`
}

describe('an agent of the OpenAI Agents SDK', () => {
  test('does not run a call that was denied because an earlier one like it was approved', async ({
    createServer,
  }) => {
    const done: string[] = []
    const pay = tool({
      name: 'pay',
      description: 'Pays',
      parameters: z.object({ amount: z.number() }),
      needsApproval: true,
      execute: (_, __, details) => void done.push(String(details?.toolCall?.callId)),
    })
    const model = new ScriptedModel([
      [functionCall('pay', { amount: 5 }, { callId: 'call_1' })],
      [functionCall('pay', { amount: 5 }, { callId: 'call_2' })],
      [assistantMessage('Ended.')],
    ])
    const payer = new Agent({ name: 'Payer', model, tools: [pay] })
    const { rest } = await createServer({
      agents: [agentOf(async (ctx) => (await runAgent(ctx, payer)).text)],
    })
    const id = await rest.create('agent', ASKED)
    for (const [toolCallId, approved] of [
      ['call_1', true],
      ['call_2', false],
    ] as const) {
      const { name, details } = await nextWait(rest, id, (wait) => wait.details.toolCallId === toolCallId)
      await rest.post(`runs/${id}/respond`, { wait: name, value: { hash: details.hash, approved } })
    }
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: 'Ended.' })
    expect(done).toEqual(['call_1'])
  })

  test('whose tools have steps and waits gives each call those of its own', async ({ createServer }) => {
    const turn = createPages()
    const read: string[] = []
    const model = new ScriptedModel([
      [functionCall('read', {}, { callId: 'call_1' })],
      [functionCall('read', {}, { callId: 'call_2' })],
      [assistantMessage('Ended.')],
    ])
    const agent = agentOf(async (ctx) => {
      const reads = tool({
        name: 'read',
        description: 'Reads on',
        parameters: z.object({}),
        async execute() {
          const page = await ctx.step('turn', turn)
          const { value } = await ctx.wait('note', z.string())
          read.push(`${page}: ${value}`)
          return page
        },
      })
      return (await runAgent(ctx, new Agent({ name: 'Reader', model, tools: [reads] }))).text
    })
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('agent', ASKED)
    for (const value of ['one', 'two']) {
      await expect.poll(async () => (await nextWait(rest, id)).name).toBe('note')
      expect((await rest.post(`runs/${id}/respond`, { wait: 'note', value })).status).toBe(200)
    }
    expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
    expect(read).toEqual(['page 1: one', 'page 2: two'])
  })
})

test('an agent that is run by a tool of another is asked once, and its usage is told', async ({
  createServer,
}) => {
  const innerModel = new ScriptedModel([[assistantMessage('Inner.', { id: 'msg_1' })]])
  const outerModel = new ScriptedModel([
    [functionCall('ask', { question: 'Why?' }, { callId: 'call_1' })],
    [assistantMessage('Outer.', { id: 'msg_2' })],
  ])
  const inner = new Agent({ name: 'Inner', model: innerModel })
  const agent = agentOf(async (ctx) => {
    const ask = tool({
      name: 'ask',
      description: 'Asks another',
      parameters: z.object({ question: z.string() }),
      async execute({ question }) {
        const { text } = await runAgent(ctx, inner, { input: question })
        if (ctx.attempt === 1) throw new Error('crash')
        return text
      },
      errorFunction: null,
    })
    return (await runAgent(ctx, new Agent({ name: 'Outer', model: outerModel, tools: [ask] }))).text
  })
  const { rest } = await createServer({ agents: [agent] })
  const events = await rest.events(`runs/${await rest.create('agent', ASKED)}/${ALL}`)
  expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', attempt: 2, output: 'Outer.' })
  expect([innerModel.calls.length, outerModel.calls.length]).toEqual([1, 2])
  expect(events.filter(({ type }) => type === 'usage')).toHaveLength(3)
})

test('a node of a graph has steps of its own, also when it is run again', async ({ createServer }) => {
  const turn = createPages()
  const read: Record<string, string[]> = { first: [], ask: [], last: [] }
  const agent = agentOf(async (ctx) => {
    const node = (name: string, ask?: () => void) => async () => {
      const page = await ctx.step('turn', turn)
      read[name]?.push(page)
      ask?.()
      return { messages: [new AIMessage(page)] }
    }
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('first', node('first'))
      .addNode(
        'ask',
        node('ask', () => void interrupt('Go on?')),
      )
      .addNode('last', node('last'))
      .addEdge(START, 'first')
      .addEdge('first', 'ask')
      .addEdge('ask', 'last')
      .compile()
    return (await runGraph(ctx, graph)).text
  })
  const { rest } = await createServer({ agents: [agent] })
  const id = await rest.create('agent', ASKED)
  const { name: wait } = await nextWait(rest, id)
  await rest.post(`runs/${id}/respond`, { wait, value: true })
  expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({
    type: 'run.succeeded',
    output: 'page 3',
  })
  expect(read).toEqual({ first: ['page 1'], ask: ['page 2', 'page 2'], last: ['page 3'] })
})

test('a step within a step is no other one that comes first because that was done', async ({
  createServer,
}) => {
  const turn = createPages()
  const agent = agentOf(async (ctx) => {
    const read = () => ctx.step('turn', turn)
    await ctx.step('first', read)
    if (ctx.attempt === 1) throw new Error('crash')
    return ctx.step('second', read)
  })
  const { rest } = await createServer({ agents: [agent] })
  const events = await rest.events(`runs/${await rest.create('agent')}/${ALL}`)
  expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: 'page 2' })
})

test('a step that is tried again finds the steps within it that were done', async ({ createServer }) => {
  const turn = createPages()
  let tries = 0
  const agent = agentOf((ctx) =>
    ctx.step(
      'work',
      async () => {
        const page = await ctx.step('turn', turn)
        tries += 1
        if (tries === 1) throw new Error('once')
        return page
      },
      { retries: 1 },
    ),
  )
  const { rest } = await createServer({ agents: [agent] })
  const events = await rest.events(`runs/${await rest.create('agent')}/${ALL}`)
  expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', attempt: 1, output: 'page 1' })
  expect(tries).toBe(2)
})

describe('tools with steps, of a run that went on after a crash', () => {
  const readTwice = ['call_1', 'call_2']

  test("of the runtime's own loop", async ({ createServer }) => {
    const turn = createPages()
    const model = createScriptedModel([
      { toolCalls: [{ id: 'call_1', name: 'read', arguments: {} }] },
      { toolCalls: [{ id: 'call_2', name: 'read', arguments: {} }] },
      { text: 'Ended.' },
    ])
    const read: string[] = []
    const agent = agentOf(async (ctx) => {
      const reads = defineTool({
        name: 'read',
        description: 'Reads on',
        input: z.object({}),
        async execute() {
          read.push(await ctx.step('turn', turn))
          return read.at(-1) ?? null
        },
      })
      const { text } = await toolLoop(ctx, {
        model,
        tools: [reads],
        prepareStep({ step }) {
          if (step === 2 && ctx.attempt === 1) throw new Error('crash')
          return {}
        },
      })
      return text
    })
    const { rest } = await createServer({ agents: [agent] })
    const events = await rest.events(`runs/${await rest.create('agent', ASKED)}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', attempt: 2 })
    expect(read).toEqual(['page 1', 'page 2'])
  })

  test('of the AI SDK', async ({ createServer }) => {
    const turn = createPages()
    const read: string[] = []
    const model = scriptedAISDKModel([
      ...readTwice.map((id) => callsTool('read', {}, id)),
      saysInAISDK('Ended.'),
    ])
    const agent = agentOf(async (ctx) => {
      const reads = aiTool({
        description: 'Reads on',
        inputSchema: z.object({}),
        async execute() {
          read.push(await ctx.step('turn', turn))
          return read.at(-1) ?? null
        },
      })
      const { text } = await runAISDK(ctx, { model, tools: { read: reads } }, ({ model, tools, ...call }) =>
        new ToolLoopAgent({
          model,
          tools,
          prepareStep({ stepNumber }) {
            if (stepNumber === 1 && ctx.attempt === 1) throw new Error('crash')
            return {}
          },
        }).stream(call),
      )
      return text
    })
    const { rest } = await createServer({ agents: [agent] })
    const events = await rest.events(`runs/${await rest.create('agent', ASKED)}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', attempt: 2 })
    expect(read).toEqual(['page 1', 'page 2'])
  })
})

describe('two in one run', () => {
  const graphOf = (name: string, runs: string[]) =>
    new StateGraph(MessagesAnnotation)
      .addNode('say', () => {
        runs.push(name)
        return { messages: [new AIMessage(`From ${name}.`)] }
      })
      .addEdge(START, 'say')
      .compile()

  const kinds: [string, (ran: string[]) => (ctx: AgentContext, name: string) => Promise<string>][] = [
    ['graphs', (ran) => async (ctx, name) => (await runGraph(ctx, graphOf(name, ran))).text],
    [
      'agents of OpenAI Agents',
      (ran) => async (ctx, name) => {
        const model = new ScriptedModel([[assistantMessage(`From ${name}.`, { id: `msg_${name}` })]])
        const { text } = await runAgent(ctx, new Agent({ name, model }))
        ran.push(...model.calls.map(() => name))
        return text
      },
    ],
    [
      'agents of the AI SDK',
      (ran) => async (ctx, name) => {
        const model = scriptedAISDKModel([saysInAISDK(`From ${name}.`)], () => ran.push(name))
        const { text } = await runAISDK(ctx, { model }, ({ model, tools, ...call }) =>
          new ToolLoopAgent({ model, tools }).stream(call),
        )
        return text
      },
    ],
  ]

  test.for(kinds)('%s answer for themselves, and once each', async ([, createRun], { createServer }) => {
    const ran: string[] = []
    const run = createRun(ran)
    const agent = agentOf(async (ctx) => {
      const one = await run(ctx, 'A')
      const others = await Promise.all([run(ctx, 'B'), run(ctx, 'C')])
      if (ctx.attempt === 1) throw new Error('crash')
      return [one, ...others]
    })
    const { rest } = await createServer({ agents: [agent] })
    const events = await rest.events(`runs/${await rest.create('agent', ASKED)}/${ALL}`)
    expect(events.at(-1)).toMatchObject({
      type: 'run.succeeded',
      attempt: 2,
      output: ['From A.', 'From B.', 'From C.'],
    })
    expect(ran.toSorted()).toEqual(['A', 'B', 'C'])
  })
})
