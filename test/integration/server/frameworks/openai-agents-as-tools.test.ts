// Agents that the OpenAI Agents SDK makes tools of.
import { Agent, Usage, tool } from '@openai/agents'
import type { Model } from '@openai/agents'
import { ScriptedModel, assistantMessage, functionCall } from '@openai/agents/testing'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { runAgent } from '../../../../server/frameworks/openai-agents/index.ts'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const ALL = 'events?include_all=1'
const ASKED = { messages: [{ role: 'user', content: 'Hi' }] }

const took = (inputTokens: number, outputTokens: number) =>
  new Usage({ requests: 1, inputTokens, outputTokens, totalTokens: inputTokens + outputTokens })
const asks = {
  usage: took(20, 10),
  output: [functionCall('reader', { input: 'tides' }, { callId: 'call_1' })],
}
const reads = (text: string) => ({ usage: took(40, 20), output: [assistantMessage(text, { id: 'msg_r' })] })
const ends = { usage: took(20, 10), output: [assistantMessage('All read.', { id: 'msg_1' })] }

describe('an agent that the OpenAI Agents SDK made a tool of', () => {
  test('counts towards the budget and the usage of the run', async ({ createServer }) => {
    const readerModel = new ScriptedModel([reads('High.'), reads('Low.')])
    const reader = new Agent({ name: 'Reader', model: readerModel })
    const deskModel = new ScriptedModel([asks, ends, asks])
    const desk = new Agent({
      name: 'Desk',
      model: deskModel,
      tools: [reader.asTool({ toolName: 'reader', toolDescription: 'Reads.' })],
    })
    const agent = defineAgent({
      key: 'agent',
      run: async (ctx) => ({ output: (await runAgent(ctx, desk)).text }),
    })
    const { rest } = await createServer({ agents: [agent] })
    const events = await rest.events(`runs/${await rest.create('agent', ASKED)}/${ALL}`)
    expect(events.at(-1)).toMatchObject({
      type: 'run.succeeded',
      output: 'All read.',
      usage: { input_tokens: 80, output_tokens: 40 },
    })
    const told = events.flatMap((event) => (event.type === 'usage' ? [event['input_tokens']] : []))
    expect(told).toEqual([20, 40, 20])

    const bounded = await rest.create('agent', { ...ASKED, budget: { tokens: 80 } })
    expect((await rest.events(`runs/${bounded}/events`)).at(-1)).toMatchObject({
      type: 'run.failed',
      code: 'budget_exceeded',
      details: { used: 90 },
    })
    expect([deskModel.calls.length, readerModel.calls.length]).toEqual([3, 2])
  })

  test('counts where its tool is what the run ends with, and again where it is run again', async ({
    createServer,
  }) => {
    const readerModel = new ScriptedModel([reads('High.'), reads('High.')])
    const reader = new Agent({ name: 'Reader', model: readerModel })
    let isFirst = true
    const desk = new Agent({
      name: 'Desk',
      model: new ScriptedModel([asks]),
      toolUseBehavior: 'stop_on_first_tool',
      tools: [
        reader.asTool({
          toolName: 'reader',
          toolDescription: 'Reads.',
        }),
      ],
    })
    const agent = defineAgent({
      key: 'agent',
      maxAttempts: 2,
      async run(ctx) {
        const { text, output } = await runAgent(ctx, desk)
        if (isFirst) {
          isFirst = false
          throw new Error('crash')
        }
        return { output: [text, output] }
      },
    })
    const { rest } = await createServer({ agents: [agent] })
    const events = await rest.events(`runs/${await rest.create('agent', ASKED)}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', usage: { input_tokens: 100 } })
    expect(readerModel.calls).toHaveLength(2)
  })

  test.for([
    ['has no more turns', 1],
    ['calls a tool that throws', 9],
  ] as const)('counts where the run %s', async ([, maxTurns], { createServer }) => {
    const isRead = Promise.withResolvers<void>()
    const reader = new Agent({ name: 'Reader', model: new ScriptedModel([reads('High.')]) })
    const breaks = tool({
      name: 'breaks',
      description: 'Breaks.',
      parameters: z.object({}),
      errorFunction: null,
      async execute() {
        await isRead.promise
        throw new Error('broken')
      },
    })
    const both = { ...asks, output: [...asks.output, functionCall('breaks', {}, { callId: 'call_2' })] }
    const desk = new Agent({
      name: 'Desk',
      model: new ScriptedModel([maxTurns === 1 ? asks : both]),
      tools: [reader.asTool({ toolName: 'reader', toolDescription: 'Reads.' }), breaks],
    })
    desk.on('agent_tool_end', () => isRead.resolve())
    const agent = defineAgent({
      key: 'agent',
      maxAttempts: 1,
      run: async (ctx) => ({ output: (await runAgent(ctx, desk, { maxTurns })).text }),
    })
    const { rest } = await createServer({ agents: [agent] })
    const events = await rest.events(`runs/${await rest.create('agent', ASKED)}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.failed' })
    expect(events.flatMap((event) => (event.type === 'usage' ? [event['input_tokens']] : []))).toEqual([
      20, 40,
    ])
  })

  test('counts where the run is cancelled while its tool works on', async ({ createServer }) => {
    const isLooking = Promise.withResolvers<void>()
    const look = tool({
      name: 'look',
      description: 'Looks.',
      parameters: z.object({}),
      execute: (_input, _context, details) =>
        new Promise((_, reject) => {
          isLooking.resolve()
          details?.signal?.addEventListener('abort', () => reject(new Error('Stopped.')))
        }),
    })
    const looks = { usage: took(40, 20), output: [functionCall('look', {}, { callId: 'call_l' })] }
    const reader = new Agent({ name: 'Reader', model: new ScriptedModel([looks]), tools: [look] })
    const desk = new Agent({
      name: 'Desk',
      model: new ScriptedModel([asks]),
      tools: [reader.asTool({ toolName: 'reader', toolDescription: 'Reads.' })],
    })
    const agent = defineAgent({
      key: 'agent',
      run: async (ctx) => ({ output: (await runAgent(ctx, desk)).text }),
    })
    const { rest } = await createServer({ agents: [agent], config: { cancelGraceSeconds: 10 } })
    const id = await rest.create('agent', ASKED)
    await isLooking.promise
    await rest.post(`runs/${id}/cancel`)
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.cancelled' })
    expect(events.flatMap((event) => (event.type === 'usage' ? [event['input_tokens']] : []))).toEqual([
      20, 40,
    ])
  })

  test('that streams, with models by name, is not taken for the agent that called it', async ({
    createServer,
  }) => {
    const models: Record<string, Model> = {
      desk: new ScriptedModel([asks, ends]),
      reader: new ScriptedModel([reads('High.')]),
    }
    const heard: string[] = []
    const reader = new Agent({ name: 'Reader', model: 'reader' })
    const desk = new Agent({
      name: 'Desk',
      model: 'desk',
      tools: [
        reader.asTool({
          toolName: 'reader',
          toolDescription: 'Reads.',
          onStream: ({ event }) => void heard.push(event.type),
        }),
      ],
    })
    const config = { modelProvider: { getModel: (name?: string) => models[name ?? ''] as Model } }
    const agent = defineAgent({
      key: 'agent',
      run: async (ctx) => ({ output: (await runAgent(ctx, desk, { config })).text }),
    })
    const { rest } = await createServer({ agents: [agent] })
    const events = await rest.events(`runs/${await rest.create('agent', ASKED)}/${ALL}`)
    expect(events.at(-1)).toMatchObject({
      type: 'run.succeeded',
      output: 'All read.',
      usage: { input_tokens: 80 },
    })
    const said = events.flatMap((event) => (event.type === 'assistant.message' ? [event['content']] : []))
    expect(said).toEqual(['All read.'])
    expect(heard.length).toBeGreaterThan(0)
  })
})
