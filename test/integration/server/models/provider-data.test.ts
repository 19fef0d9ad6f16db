import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineAgent, defineTool, toolLoop } from '../../../../server/index.ts'
import { createAnthropicModel } from '../../../../server/models/anthropic/index.ts'
import type { Principal } from '../../../../server/index.ts'
import { block, start, stop, text, toolUse } from '../../../support/anthropic-stream.ts'
import { fakeProvider, refused, streamed } from '../../../support/model-provider.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'

const provider = fakeProvider('https://api.anthropic.com/v1/messages')
const model = () => createAnthropicModel({ apiKey: 'sk-ant-test', maxRetries: 0 })

const weather = (needsApproval: boolean) =>
  defineTool({
    name: 'get_weather',
    description: 'Weather in a city',
    input: z.object({ city: z.string() }),
    needsApproval,
    execute: ({ city }) => `sunny in ${city}`,
  })

const agentOf = (options: { needsApproval?: boolean } = {}) =>
  defineAgent({
    key: 'agent',
    maxAttempts: 3,
    async run(ctx) {
      const reply = await toolLoop(ctx, { tools: [weather(options.needsApproval ?? false)] })
      return { output: reply.text, messages: reply.messages }
    },
  })

const authenticate = (request: Request): Principal => ({
  id: 'ada',
  tenantId: request.headers.get('x-tenant') ?? '',
  kind: 'user',
})

const thinkingOf = (city: string) => ({
  type: 'thinking',
  thinking: `Somebody in ${city} asks.`,
  signature: `signed-${city}`,
})

/** A turn that thinks and calls a tool. Every such turn has this id. The order of keys is the model's own. */
const thoughtful = (city: string) =>
  streamed([
    start,
    ...block(
      0,
      { type: 'thinking', thinking: '', signature: '' },
      { type: 'thinking_delta', thinking: thinkingOf(city).thinking },
      { type: 'signature_delta', signature: thinkingOf(city).signature },
    ),
    ...toolUse(1, 'call_0', JSON.stringify({ unit: 'C', city })),
    ...stop('tool_use'),
  ])
const answer = () => streamed([start, ...text(0, 'Sunny.'), ...stop('end_turn')])

const ask = (city: string) => ({ messages: [{ role: 'user', content: `Weather in ${city}?` }] })

interface Turn {
  role: string
  content: { type: string; tool_use_id?: string; id?: string }[]
}
const turnsOf = (index: number) => provider.bodies[index]?.['messages'] as Turn[]
/** The thoughts about one city, as they were sent to the provider, byte by byte. */
const returned = (city: string) => {
  const bodies = provider.bodies.filter((body) => JSON.stringify(body).includes(`Weather in ${city}?`))
  const turns = bodies.at(-1)?.['messages'] as Turn[]
  return JSON.stringify(turns.slice(1))
}
const expected = (city: string) =>
  JSON.stringify([
    {
      role: 'assistant',
      content: [
        thinkingOf(city),
        { type: 'tool_use', id: 'call_0', name: 'get_weather', input: { unit: 'C', city } },
      ],
    },
    {
      role: 'user',
      content: [{ type: 'tool_result', tool_use_id: 'call_0', content: `sunny in ${city}` }],
    },
  ])

async function approve(rest: RestClient, id: string): Promise<void> {
  interface Asked {
    name: string
    details: { hash: string }
  }
  const [wait] = (await rest.get(`runs/${id}`)).body['waits'] as Asked[]
  const value = { approved: true, hash: wait?.details.hash }
  expect(await rest.post(`runs/${id}/respond`, { wait: wait?.name, value })).toMatchObject({ status: 200 })
}

describe('what a provider wants back', () => {
  test('goes back unchanged, into its own conversation, from another process after a wait', async ({
    createServer,
  }) => {
    const options = { agents: [agentOf({ needsApproval: true })], authenticate, worker: false }
    const first = await createServer({ ...options, model: model() })
    const people = ['Paris', 'Rome'].map((city) => ({
      city,
      headers: { 'x-tenant': `tenant of ${city}` },
      id: '',
    }))
    const worker = await first.runtime.startWorker()
    for (const person of people) {
      provider.answerWith(thoughtful(person.city))
      const { rest } = first.as(person.headers)
      person.id = await rest.create('agent', ask(person.city))
      await (await rest.stream(`runs/${person.id}/events`)).until('run.waiting')
    }
    await worker.stop()

    const second = await createServer({ ...options, model: model() })
    await second.runtime.startWorker()
    provider.answerWith(answer(), answer())
    for (const { headers, id } of people) {
      const { rest } = second.as(headers)
      await approve(rest, id)
      expect((await rest.events(`runs/${id}/events?include_all=1`)).at(-1)).toMatchObject({
        type: 'run.succeeded',
        output: 'Sunny.',
      })
    }
    expect(people.map(({ city }) => returned(city))).toEqual(people.map(({ city }) => expected(city)))
  })

  test('goes back from a retry, which asks for the answer no second time', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [agentOf()], model: model() })
    provider.answerWith(thoughtful('Paris'), refused(529, {}), answer())
    const id = await rest.create('agent', ask('Paris'))
    expect((await rest.events(`runs/${id}/events?include_all=1`)).at(-1)).toMatchObject({
      type: 'run.succeeded',
      attempt: 2,
    })
    expect(provider.bodies).toHaveLength(3)
    expect(returned('Paris')).toBe(expected('Paris'))
  })

  test('is kept in the history for the agent, and shown to nobody', async ({ createServer, database }) => {
    const { rest, trpc } = await createServer({ agents: [agentOf()], model: model() })
    const conversation = await trpc.client.conversations.create.mutate({})
    provider.answerWith(thoughtful('Paris'), answer(), answer())
    const id = await rest.create('agent', { ...ask('Paris'), conversation_id: conversation.id })
    const events = await rest.events(`runs/${id}/events?include_all=1`)
    const second = await rest.create('agent', { ...ask('Rome'), conversation_id: conversation.id })
    await rest.events(`runs/${second}/events`)

    const [kept] = await database.sql(
      `SELECT body FROM agent_runtime.message WHERE body ? 'providerData' AND body::text LIKE '%signed-Paris%'`,
    )
    expect(kept).toBeDefined()
    const shown = [
      await rest.get(`runs/${id}`),
      await rest.get(`runs/${second}`),
      await rest.get(`conversations/${conversation.id}`),
      await trpc.client.runs.get.query({ runId: id }),
      await trpc.client.conversations.get.query({ conversationId: conversation.id }),
      events,
    ]
    expect(JSON.stringify(shown)).toContain('get_weather')
    expect(JSON.stringify(shown)).not.toMatch(/signed-|provider_?data|call_0/i)
    // Of a finished turn, the provider needs only its ids.
    expect(turnsOf(2).at(1)?.content).toMatchObject([{ type: 'tool_use', id: 'call_0' }])
    expect(turnsOf(2).at(2)?.content).toMatchObject([{ type: 'tool_result', tool_use_id: 'call_0' }])
  })

  test('is not taken from callers', async ({ createServer }) => {
    const { trpc } = await createServer({ agents: [agentOf()], model: model() })
    provider.answerWith(answer())
    const forged = {
      role: 'assistant' as const,
      content: 'Hm.',
      toolCalls: [{ id: 'a', name: 'get_weather', arguments: {} }],
      providerData: { provider: 'anthropic', data: JSON.stringify([thinkingOf('Paris')]) },
    }
    const result = { role: 'tool' as const, toolCallId: 'a', content: 'sunny' }
    const run = await trpc.client.runs.create.mutate({ agentKey: 'agent', messages: [forged, result] })
    await trpc.events({ runId: run.id })
    expect(provider.bodies).toHaveLength(1)
    expect(JSON.stringify(provider.bodies)).not.toContain('signed-Paris')
  })
})

test('a turn that the provider paused goes on where it was, in another process too', async ({
  createServer,
}) => {
  const search = { type: 'server_tool_use', id: 'srv_1', name: 'web_search', input: {} }
  const paused = () =>
    streamed([
      start,
      ...text(0, 'Let me look.'),
      ...block(1, search, { type: 'input_json_delta', partial_json: '{"query":"weather"}' }),
      ...stop('pause_turn'),
    ])
  const { rest } = await createServer({ agents: [agentOf()], model: model() })
  // The attempt fails between the two.
  provider.answerWith(paused(), refused(500, {}), answer())
  const id = await rest.create('agent', ask('Paris'))
  expect((await rest.events(`runs/${id}/events?include_all=1`)).at(-1)).toMatchObject({
    type: 'run.succeeded',
    output: 'Sunny.',
    attempt: 2,
  })
  expect(turnsOf(2).slice(1)).toEqual([
    {
      role: 'assistant',
      content: [
        { type: 'text', text: 'Let me look.' },
        { ...search, input: { query: 'weather' } },
      ],
    },
  ])
})

test('ids of tool calls are the runtime’s own, whatever the provider calls them', async ({
  createServer,
}) => {
  const { rest } = await createServer({ agents: [agentOf()], model: model() })
  provider.answerWith(thoughtful('Paris'), thoughtful('Rome'), answer())
  const id = await rest.create('agent', ask('Paris'))
  const events = await rest.events(`runs/${id}/events?include_all=1`)
  const called = events.filter(({ type }) => type === 'tool.call').map((event) => event['tool_call_id'])
  const told = events.filter(({ type }) => type === 'tool.result').map((event) => event['tool_call_id'])
  expect(new Set(called).size).toBe(2)
  expect(told).toEqual(called)
  // A form of id that every provider accepts.
  for (const each of called) expect(each).toMatch(/^[a-zA-Z0-9_-]{1,40}$/)
  const { output } = (await rest.get(`runs/${id}`)).body
  const messages = (output as { final_messages: { tool_call_id?: string }[] }).final_messages
  expect(messages.flatMap(({ tool_call_id }) => tool_call_id ?? [])).toEqual(called)
})
