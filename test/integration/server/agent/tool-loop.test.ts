import { describe, expect } from 'vitest'
import { z } from 'zod'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { defineAgent, defineTool, toolLoop } from '../../../../server/index.ts'
import type { AnyTool } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const agentOf = (tools: readonly AnyTool[], afterwards: (attempt: number) => void = () => {}) =>
  defineAgent({
    key: 'agent',
    maxAttempts: 3,
    async run(ctx) {
      const reply = await toolLoop(ctx, { tools })
      afterwards(ctx.attempt)
      return { output: reply.text, messages: reply.messages }
    },
  })

const refundTool = (done: string[]) =>
  defineTool({
    name: 'refund',
    description: 'Pays money back',
    input: z.object({ amount: z.number() }),
    needsApproval: ({ amount }) => amount > 100,
    execute({ amount }, { idempotencyKey }) {
      done.push(`${amount} ${idempotencyKey.split('/').slice(1).join('/')}`)
      return { paid: amount }
    },
  })

const ALL = 'events?include_all=1'

describe('the tool loop', () => {
  test('goes on where it was: no answer is asked for and no tool is run twice', async ({ createServer }) => {
    const done: string[] = []
    const model = createScriptedModel([
      { text: 'I pay.', toolCalls: [{ name: 'refund', arguments: { amount: 5 } }] },
      { text: 'Paid.' },
    ])
    const agent = agentOf([refundTool(done)], (attempt) => {
      if (attempt < 3) throw new Error('crash')
    })
    const { rest } = await createServer({ agents: [agent], model })
    const id = await rest.create('agent')
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', attempt: 3, output: 'Paid.' })
    expect(done).toEqual(['5 tool:refund/1'])
    // Each thing is reported once, in whatever attempt.
    expect(
      events.map(({ type }) => type).filter((type) => /^(assistant\.message|tool|usage)/.test(type)),
    ).toEqual(['assistant.message', 'usage', 'tool.call', 'tool.result', 'assistant.message', 'usage'])
    const ids = events.filter(({ type }) => type === 'assistant.message').map((event) => event['message_id'])
    expect(new Set(ids).size).toBe(2)
  })

  test.for([
    ['a match', (sql: string) => sql.match(/drop/i)],
    ['a text', () => 'dangerous'],
    ['a number', () => 1],
    ['a promise of an object', () => Promise.resolve({})],
  ] as const)('asks where the tool needs approval by %s', async ([, needs], { createServer }) => {
    const done: string[] = []
    const query = defineTool({
      name: 'query',
      description: 'Asks the database',
      input: z.object({ sql: z.string() }),
      needsApproval: ({ sql }) => needs(sql) as unknown as boolean,
      execute: ({ sql }) => done.push(sql),
    })
    const calls = [{ name: 'query', arguments: { sql: 'DROP TABLE a' } }]
    const model = createScriptedModel([{ toolCalls: calls }])
    const { rest } = await createServer({ agents: [agentOf([query])], model })
    const id = await rest.create('agent')
    await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    expect(done).toEqual([])
  })

  test.for([null, undefined, false])(
    'does not ask where the tool says %s',
    async (says, { createServer }) => {
      const query = defineTool({
        name: 'query',
        description: 'Asks the database',
        input: z.object({}),
        needsApproval: () => says as boolean,
        execute: () => 'done',
      })
      const model = createScriptedModel([
        { toolCalls: [{ name: 'query', arguments: {} }] },
        { text: 'Done.' },
      ])
      const { rest } = await createServer({ agents: [agentOf([query])], model })
      const id = await rest.create('agent')
      expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
    },
  )

  test('asks before it runs a tool that needs approval, after those that do not', async ({
    createServer,
  }) => {
    const done: string[] = []
    const model = createScriptedModel([
      {
        toolCalls: [
          { name: 'refund', arguments: { amount: 1_000 } },
          { name: 'refund', arguments: { amount: 2_000 } },
          { name: 'refund', arguments: { amount: 5 } },
        ],
      },
      { text: 'Done what I may.' },
    ])
    const { rest } = await createServer({ agents: [agentOf([refundTool(done)])], model })
    const id = await rest.create('agent')
    const stream = await rest.stream(`runs/${id}/events`)
    await stream.until('run.waiting')
    await stream.until('run.waiting')
    expect(done).toEqual(['5 tool:refund/1'])
    interface Asked {
      name: string
      details: { arguments: { amount: number }; hash: string; toolCallId: string }
    }
    const waits = (await rest.get(`runs/${id}`)).body['waits'] as Asked[]
    expect(waits.map(({ details }) => details.arguments.amount)).toEqual([1_000, 2_000])
    for (const { name, details } of waits) {
      const value = { approved: details.arguments.amount === 1_000, hash: details.hash, comment: 'My call.' }
      expect(await rest.post(`runs/${id}/respond`, { wait: name, value })).toMatchObject({ status: 200 })
    }
    const events = await rest.events(`runs/${id}/${ALL}`)
    const results = events.filter((event) => event.type === 'tool.result')
    const calls = events.filter((event) => event.type === 'tool.call')
    expect(results.map((event) => event['tool_call_id'])).toEqual(calls.map((event) => event['tool_call_id']))
    expect(waits.map(({ details }) => details.toolCallId)).toEqual(
      calls.slice(0, 2).map((event) => event['tool_call_id']),
    )
    expect(results.map((event) => event['result'])).toEqual([
      { paid: 1_000 },
      { error: 'The call was denied. My call.' },
      { paid: 5 },
    ])
    expect(done).toEqual(['5 tool:refund/1', '1000 tool:refund/2'])
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      status: 'succeeded',
      output: { final_output: 'Done what I may.' },
    })
  })

  test('reports stored results whose process died before it could report them', async ({
    createServer,
    database,
  }) => {
    await database.sql(
      `CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN RAISE EXCEPTION USING ERRCODE = '57P01'; END $$;
       CREATE TRIGGER fail BEFORE INSERT ON agent_runtime.event FOR EACH ROW
         WHEN (NEW.attempt = 1 AND NEW.type <> 'run.started' AND NEW.type <> 'run.retrying')
         EXECUTE FUNCTION public.fail()`,
    )
    const done: string[] = []
    const model = createScriptedModel([
      { text: 'I pay.', toolCalls: [{ name: 'refund', arguments: { amount: 5 } }] },
      { text: 'Paid.' },
    ])
    const { rest } = await createServer({ agents: [agentOf([refundTool(done)])], model })
    const id = await rest.create('agent')
    await expect.poll(() => database.sql('SELECT name FROM agent_runtime.step')).toHaveLength(3)
    await database.sql(`UPDATE agent_runtime.run SET lease_expires_at = now() - interval '1 second'`)
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', attempt: 2 })
    expect(
      events.map(({ type }) => type).filter((type) => /^(assistant\.message|tool|usage)/.test(type)),
    ).toHaveLength(6)
    expect(done).toEqual(['5 tool:refund/1'])
  })
})
