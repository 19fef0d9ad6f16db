import { Agent, Usage, handoff, tool } from '@openai/agents'
import { ScriptedModel, assistantMessage, functionCall, modelStream } from '@openai/agents/testing'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { runAgent } from '../../../../server/frameworks/openai-agents/index.ts'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const ALL = 'events?include_all=1'
const ASKED = { messages: [{ role: 'user', content: 'Hi' }] }

const payTool = (done: string[], needsApproval = false) =>
  tool({
    name: 'pay',
    description: 'Pays',
    parameters: z.object({ amount: z.number() }),
    needsApproval,
    execute({ amount }, _, details) {
      done.push(`${amount} ${details?.toolCall?.callId}`)
      return { paid: amount }
    },
  })

describe('an agent of the OpenAI Agents SDK', () => {
  test('hands over to another, and goes on there after a crash: no model is asked and no tool run again', async ({
    createServer,
  }) => {
    const done: string[] = []
    const heard: string[] = []
    const clerkModel = new ScriptedModel([
      [functionCall('pay', { amount: 5 }, { callId: 'call_2' })],
      [assistantMessage('Paid.', { id: 'msg_2' })],
    ])
    const clerk = new Agent({ name: 'Clerk', model: clerkModel, tools: [payTool(done)] })
    clerk.on('agent_start', () => void heard.push('Clerk'))
    const deskModel = new ScriptedModel([
      [
        assistantMessage('One moment.', { id: 'msg_1' }),
        functionCall('transfer_to_Clerk', {}, { callId: 'call_1' }),
      ],
    ])
    const desk = new Agent({ name: 'Desk', model: deskModel, handoffs: [handoff(clerk)] })
    // Each may hand over to the other.
    clerk.handoffs = [desk]
    const agent = defineAgent({
      key: 'agent',
      maxAttempts: 2,
      async run(ctx) {
        const { output, messages, lastAgent } = await runAgent(ctx, desk)
        if (ctx.attempt === 1) throw new Error('crash')
        return { output: [output, lastAgent], messages }
      },
    })
    const { rest, trpc } = await createServer({ agents: [agent] })
    const id = await rest.create('agent', ASKED)
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', attempt: 2, output: ['Paid.', 'Clerk'] })
    expect(done).toEqual(['5 call_2'])
    expect([deskModel.calls.length, clerkModel.calls.length]).toEqual([1, 2])
    expect(new Set(heard)).toEqual(new Set(['Clerk']))
    const of = (type: string) => events.filter((event) => event.type === type)
    expect(of('tool.call').map(({ tool }) => tool)).toEqual(['transfer_to_Clerk', 'pay'])
    expect(of('tool.result').map((event) => event['tool_call_id'])).toEqual(['call_1', 'call_2'])
    expect(of('assistant.message').map(({ content }) => content)).toEqual(['One moment.', 'Paid.'])
    expect(of('run.retrying')[0]?.['message_ids']).toEqual([])
    expect((await trpc.client.runs.get.query({ runId: id })).messages).toMatchObject([
      { role: 'user', content: 'Hi' },
      { id: 'msg_1', role: 'assistant', content: 'One moment.', toolCalls: [{ id: 'call_1' }] },
      { role: 'tool', toolCallId: 'call_1' },
      { role: 'assistant', toolCalls: [{ id: 'call_2', name: 'pay', arguments: { amount: 5 } }] },
      { role: 'tool', toolCallId: 'call_2', content: '{"paid":5}' },
      { id: 'msg_2', role: 'assistant', content: 'Paid.' },
    ])
  })

  test('has one message of what it thought and said or called, as OpenAI’s responses tell it, after a crash too', async ({
    createServer,
  }) => {
    const said = assistantMessage('Hello.', { id: 'msg_1' })
    const thought = {
      type: 'reasoning' as const,
      id: 'rs_1',
      content: [{ type: 'input_text' as const, text: 'Hm.' }],
    }
    const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 }
    const call = functionCall('pay', { amount: 1 }, { callId: 'call_1' })
    const model = new ScriptedModel([
      modelStream([
        { type: 'response_started' },
        { type: 'model', event: { type: 'response.created', response: { id: 'resp_0', model: 'm' } } },
        { type: 'model', event: { type: 'response.reasoning_summary_text.delta', delta: 'First.' } },
        {
          type: 'response_done',
          response: { id: 'resp_0', usage, output: [{ ...thought, id: 'rs_0' }, call] },
        },
      ]),
      modelStream([
        { type: 'response_started' },
        { type: 'model', event: { type: 'response.created', response: { id: 'resp_1', model: 'm' } } },
        { type: 'model', event: { type: 'response.reasoning_summary_text.delta', delta: 'Hm.' } },
        { type: 'output_text_delta', delta: 'Hello.', itemId: 'msg_1' },
        { type: 'response_done', response: { id: 'resp_1', usage, output: [thought, said] } },
      ]),
    ])
    const greeter = new Agent({ name: 'Greeter', model, tools: [payTool([])] })
    const agent = defineAgent({
      key: 'agent',
      maxAttempts: 2,
      async run(ctx) {
        const { messages } = await runAgent(ctx, greeter)
        if (ctx.attempt === 1) throw new Error('crash')
        return { output: null, messages }
      },
    })
    const { rest, trpc } = await createServer({ agents: [agent] })
    const id = await rest.create('agent', { ...ASKED, conversation: 'new' })
    const events = await rest.events(`runs/${id}/${ALL}`)
    const told = events.filter(({ type }) => /^(assistant|reasoning)/.test(type))
    expect(told.map((event) => [event.type, event['message_id']])).toEqual([
      ['reasoning.delta', 'resp_0'],
      ['reasoning.delta', 'resp_1'],
      ['assistant.delta', 'resp_1'],
      ['assistant.message', 'resp_1'],
    ])
    const { conversationId } = await trpc.client.runs.get.query({ runId: id })
    const kept = await trpc.client.conversations.get.query({
      conversationId: String(conversationId),
      includeDebug: true,
    })
    expect(kept.messages).toMatchObject([
      { role: 'user' },
      {
        id: 'resp_0',
        content: [{ type: 'reasoning', text: 'First.' }],
        toolCalls: [{ id: 'call_1', name: 'pay' }],
      },
      { role: 'tool', toolCallId: 'call_1' },
      {
        id: 'resp_1',
        content: [
          { type: 'reasoning', text: 'Hm.' },
          { type: 'text', text: 'Hello.' },
        ],
      },
    ])
  })

  test('is told what came of a call that was denied, and runs the one that was allowed', async ({
    createServer,
  }) => {
    const done: string[] = []
    const model = new ScriptedModel([
      [
        functionCall('pay', { amount: 1 }, { callId: 'call_1' }),
        functionCall('pay', { amount: 2 }, { callId: 'call_2' }),
      ],
      [assistantMessage('One is paid.')],
    ])
    const payer = new Agent({ name: 'Payer', model, tools: [payTool(done, true)] })
    const agent = defineAgent({
      key: 'agent',
      run: async (ctx) => ({ output: (await runAgent(ctx, payer)).text }),
    })
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('agent', ASKED)
    type Wait = { name: string; details: { hash: string; toolCallId: string } }
    const open = async () => (await rest.get(`runs/${id}`)).body['waits'] as Wait[]
    await expect.poll(async () => (await open()).length).toBe(2)
    const answer = async (toolCallId: string, more: object) => {
      const wait = (await open()).find(({ details }) => details.toolCallId === toolCallId)
      const value = { hash: wait?.details.hash, ...more }
      expect((await rest.post(`runs/${id}/respond`, { wait: wait?.name, value })).status).toBe(200)
    }
    await answer('call_1', { approved: false, comment: 'Too little.' })
    await expect.poll(async () => (await open()).length).toBe(1)
    await answer('call_2', { approved: true })
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: 'One is paid.' })
    expect(done).toEqual(['2 call_2'])
    expect(JSON.stringify(model.calls[1]?.request.input)).toContain('The call was denied. Too little.')
    expect(events.filter((event) => event['is_error'] === true)).toMatchObject([
      { type: 'tool.result', tool_call_id: 'call_1', result: { error: 'The call was denied. Too little.' } },
    ])
  })

  test('answers in the form that it declares, and with the context it is given', async ({ createServer }) => {
    const model = new ScriptedModel([
      [functionCall('whoami', {}, { callId: 'call_1' })],
      [assistantMessage('{"city":"Lisbon"}')],
    ])
    const whoami = tool({
      name: 'whoami',
      description: 'Who asks',
      parameters: z.object({}),
      execute: (_, run) => String(Object(run?.context).user),
    })
    const asked = new Agent({
      name: 'Asked',
      model,
      tools: [whoami],
      outputType: z.object({ city: z.string() }),
    })
    const agent = defineAgent({
      key: 'agent',
      output: z.object({ city: z.string() }),
      maxAttempts: 2,
      async run(ctx) {
        const { output } = await runAgent(ctx, asked, { context: { user: 'Ann' } })
        if (ctx.attempt === 1) throw new Error('crash')
        return { output }
      },
    })
    const { rest } = await createServer({ agents: [agent] })
    const events = await rest.events(`runs/${await rest.create('agent', ASKED)}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: { city: 'Lisbon' } })
    expect(events.find(({ type }) => type === 'tool.result')).toMatchObject({ result: 'Ann' })
  })

  test.for([
    [
      'whose guardrail trips',
      () =>
        new Agent({
          name: 'Guarded',
          model: new ScriptedModel([[assistantMessage('Hello')]]),
          inputGuardrails: [
            { name: 'none', execute: async () => ({ outputInfo: null, tripwireTriggered: true }) },
          ],
        }),
      'guardrail',
    ],
    [
      'that takes too many turns',
      () =>
        new Agent({
          name: 'Endless',
          model: new ScriptedModel([[functionCall('pay', { amount: 1 }, { callId: 'call_1' })]]),
          tools: [payTool([])],
        }),
      'turns',
    ],
  ] as const)('%s fails, and is not tried again', async ([, agentOf, why], { createServer }) => {
    const agent = defineAgent({
      key: 'agent',
      maxAttempts: 3,
      run: async (ctx) => ({ output: (await runAgent(ctx, agentOf(), { maxTurns: 1 })).text }),
    })
    const { rest, log } = await createServer({ agents: [agent] })
    const events = await rest.events(`runs/${await rest.create('agent', ASKED)}/events`)
    expect(events.map(({ type }) => type).filter((type) => type.startsWith('run.'))).toEqual([
      'run.started',
      'run.failed',
    ])
    const failed = log.find(({ level }) => level === 'error')
    expect(String(failed?.fields['err'])).toMatch(new RegExp(why, 'i'))
  })

  test('asks no model beyond the budget of its run', async ({ createServer }) => {
    const usage = new Usage({ requests: 1, inputTokens: 90, outputTokens: 20, totalTokens: 110 })
    const call = functionCall('pay', { amount: 1 }, { callId: 'call_1' })
    const model = new ScriptedModel([{ usage, output: [call] }, [assistantMessage('Never')]])
    const spender = new Agent({ name: 'Spender', model, tools: [payTool([])] })
    const agent = defineAgent({
      key: 'agent',
      budget: { tokens: 100 },
      run: async (ctx) => ({ output: (await runAgent(ctx, spender)).text }),
    })
    const { rest } = await createServer({ agents: [agent] })
    const events = await rest.events(`runs/${await rest.create('agent', ASKED)}/events`)
    expect(events.at(-1)).toMatchObject({ type: 'run.failed', code: 'budget_exceeded' })
    expect(model.calls).toHaveLength(1)
  })
})
