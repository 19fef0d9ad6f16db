import { Agent, tool } from '@openai/agents'
import { ScriptedModel, assistantMessage, functionCall } from '@openai/agents/testing'
import { expect } from 'vitest'
import { z } from 'zod'
import { runAgent } from '../../../../server/frameworks/openai-agents/index.ts'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

test('a call without valid JSON and a tool that takes too long are told and stored as failures', async ({
  createServer,
}) => {
  const model = new ScriptedModel([
    [functionCall('pay', '{"amount":', { callId: 'call_1' })],
    [functionCall('pay', { amount: 1 }, { callId: 'call_2' })],
    [assistantMessage('Nothing is paid.')],
  ])
  const pay = tool({
    name: 'pay',
    description: 'Pays',
    parameters: z.object({ amount: z.number() }),
    timeoutMs: 20,
    execute: () => new Promise<string>(() => {}),
  })
  const payer = new Agent({ name: 'Payer', model, tools: [pay] })
  const agent = defineAgent({
    key: 'agent',
    async run(ctx) {
      const { messages } = await runAgent(ctx, payer)
      return { output: null, messages }
    },
  })
  const { rest, trpc } = await createServer({ agents: [agent] })
  const id = await rest.create('agent', { messages: [{ role: 'user', content: 'Pay.' }] })
  const events = await rest.events(`runs/${id}/events?include_all=1`)
  const failures = events.filter((event) => event['is_error'] === true)
  expect(failures.map((event) => [event['tool_call_id'], event['result']])).toEqual([
    ['call_1', { error: expect.stringContaining('arguments') as unknown }],
    ['call_2', { error: expect.stringContaining('timed out') as unknown }],
  ])
  const { messages } = await trpc.client.runs.get.query({ runId: id })
  const stored = messages.flatMap((message) => (message.role === 'tool' ? [message.content] : []))
  expect(stored).toEqual(failures.map((event) => JSON.stringify(event['result'])))
})
