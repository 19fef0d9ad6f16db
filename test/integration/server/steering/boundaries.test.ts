import { expect } from 'vitest'
import { z } from 'zod'
import { ModelError, defineAgent, defineTool, textOf, toolLoop } from '../../../../server/index.ts'
import type { Model } from '../../../../server/index.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { childOf } from '../family/scene.ts'
import { createTestPool } from '../../../support/pool.ts'
import { test } from '../../../support/runtime.ts'
import { createTestStore } from '../../../support/store.ts'
import { ALL, begin, chatAtGate, createChat, createGate, endSilently, WITHIN } from './scene.ts'

test('a model that fails after it was asked with a message is asked with it again, and it is told once', async ({
  createServer,
}) => {
  const { gate, asked, rest, id } = await chatAtGate(createServer, { modelFailsAt: 2 })
  await rest.post(`runs/${id}/messages`, { message: 'In Celsius.' })
  gate.open()
  const events = await rest.events(`runs/${id}/${ALL}`)
  expect(events.at(-1)).toMatchObject({ attempt: 2, output: 'Weather? | In Celsius.' })
  expect(asked.slice(1)).toEqual([
    ['Weather?', 'In Celsius.'],
    ['Weather?', 'In Celsius.'],
  ])
  expect(events.filter(({ type }) => type === 'user.message')).toHaveLength(1)
})

test('what a run has read is kept with it when it fails, and by hand it is read in a step', async ({
  createServer,
}) => {
  const gate = createGate()
  const reader = defineAgent({
    key: 'reader',
    maxAttempts: 1,
    async run(ctx) {
      await gate.pass()
      const first = await ctx.takeMessages()
      const second = await ctx.takeMessages()
      throw new Error([...first, ...second].map((message) => textOf(message)).join())
    },
  })
  const { rest } = await createServer({ agents: [reader], worker: false })
  const id = await rest.create('reader', begin('Read.'))
  await rest.post(`runs/${id}/messages`, { message: 'One' })
  await createServer({ agents: [reader] })
  await gate.come
  gate.open()
  const events = await rest.events(`runs/${id}/${ALL}`)
  expect(events.map(({ type }) => type)).toEqual([
    'run.started',
    'user.message',
    'step.completed',
    'step.completed',
    'run.failed',
  ])
  const conversation = String((await rest.get(`runs/${id}`)).body['conversation_id'])
  const { body } = await rest.get(`conversations/${conversation}?include_failed_runs=true`)
  expect(body['messages']).toMatchObject([{ content: 'Read.' }, { role: 'user', content: 'One' }])
})

test('a run that waits for one below it reads what it was sent when it goes on; the one below is sent nothing', async ({
  createServer,
}) => {
  const asking = defineAgent({
    key: 'asking',
    output: z.string(),
    async run(ctx) {
      return { output: (await ctx.wait('word', z.string())).value }
    },
  })
  const top = defineAgent({
    key: 'top',
    async run(ctx) {
      const { output } = await ctx.runAgent(asking)
      return { output: [output, ...(await ctx.takeMessages()).map((message) => textOf(message))] }
    },
  })
  const { rest } = await createServer({ agents: [asking, top] })
  const id = await rest.create('top', begin('Go.'))
  const child = await childOf(rest, id)
  const statusOf = async (runId: string) => (await rest.get(`runs/${runId}`)).body['status']
  await expect.poll(() => statusOf(id), WITHIN).toBe('waiting')
  expect((await rest.post(`runs/${id}/messages`, { message: 'Meanwhile' })).status).toBe(201)
  expect((await rest.post(`runs/${child}/messages`, { message: 'You there' })).status).toBe(409)
  await expect.poll(() => statusOf(child), WITHIN).toBe('waiting')
  await rest.post(`runs/${child}/respond`, { wait: 'word', value: 'sesame' })
  expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ output: ['sesame', 'Meanwhile'] })
})

test('upkeep passes on what nobody did', async ({ createServer, database }) => {
  const gate = createGate()
  gate.open()
  const { chat, model } = createChat(gate)
  const { rest } = await createServer({ agents: [chat], model })
  const id = await rest.create('chat', { ...begin('Later'), run_at: '2999-01-01T00:00:00Z' })
  await rest.post(`runs/${id}/messages`, { message: 'Now' })
  await endSilently(database, id)
  await expect
    .poll(async () => (await rest.get('runs')).body['results'], WITHIN)
    .toMatchObject([
      { status: 'succeeded', output: { final_output: 'Later | Now' } },
      { id, status: 'succeeded' },
    ])
})

test('what comes with a request that is too long is asked again, and by a later attempt once', async ({
  createServer,
}) => {
  const gate = createGate()
  const long = 'word '.repeat(400)
  const tooLong = { error: new ModelError('too long', { code: 'context_overflow', retriable: false }) }
  const model = createScriptedModel([
    { toolCalls: [{ name: 'wait', arguments: {} }], usage: { inputTokens: 1_600, outputTokens: 10 } },
    tooLong,
    { text: 'Both.' },
  ])
  const summariser: Model = {
    name: 'summariser',
    provider: 'test',
    async *stream() {
      yield { type: 'text', text: 'A summary.' }
      yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } }
    },
  }
  const wait = defineTool({
    name: 'wait',
    description: 'Waits.',
    input: z.object({}),
    async execute() {
      await gate.pass()
      return 'waited'
    },
  })
  const chat = defineAgent({
    key: 'chat',
    maxAttempts: 2,
    async run(ctx) {
      const reply = await toolLoop(ctx, {
        tools: [wait],
        compaction: { contextWindow: 100_000, model: summariser },
      })
      if (ctx.attempt === 1) throw new Error('It dies after it has read.')
      return { output: reply.text, messages: reply.messages }
    },
  })
  const { rest } = await createServer({ agents: [chat], model })
  const id = await rest.create('chat', {
    conversation: 'new',
    messages: [long, long, long, 'Begin.'].map((content) => ({ role: 'user', content })),
  })
  await gate.come
  await rest.post(`runs/${id}/messages`, { message: 'In Celsius.' })
  gate.open()
  const events = await rest.events(`runs/${id}/${ALL}`)
  expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', attempt: 2, output: 'Both.' })
  expect(events.filter(({ type }) => type === 'user.message')).toHaveLength(1)
  expect((await rest.get(`runs/${id}`)).body['output']).toMatchObject({
    final_messages: [
      { role: 'assistant' },
      { role: 'tool' },
      { role: 'user', content: 'In Celsius.' },
      { role: 'assistant', content: 'Both.' },
    ],
  })
  // The model that was asked again got it too, once.
  expect(model.requests.at(-1)?.messages.filter((message) => textOf(message) === 'In Celsius.')).toHaveLength(
    1,
  )
})

test('what a visitor has sent, and no run has read, is the next run of the user that the visitor has become', async ({
  createServer,
  database,
}) => {
  const gate = createGate()
  gate.open()
  const { chat, model } = createChat(gate)
  const options = {
    agents: [chat],
    model,
    anonymousSessions: true,
    authenticate: (request: Request) => {
      const id = request.headers.get('x-user')
      return id === null ? null : { id, tenantId: '', kind: 'user' as const }
    },
  }
  const server = await createServer(options)
  const { token } = await server.runtime.sessions.create()
  const { rest: visitor } = server.as({ 'x-anonymous-token': token })
  const { rest: ada } = server.as({ 'x-user': 'ada' })
  const id = await visitor.create('chat', { ...begin('Later'), run_at: '2999-01-01T00:00:00Z' })
  expect((await visitor.post(`runs/${id}/messages`, { message: 'Now' })).status).toBe(201)
  expect((await ada.post(`runs/${id}/messages`, { message: 'Hers' })).status).toBe(404)
  expect((await ada.post('sessions/claim', { token })).status).toBe(200)
  expect((await ada.post(`runs/${id}/messages`, { message: 'Hers' })).status).toBe(201)
  await endSilently(database, id)
  await expect
    .poll(async () => (await ada.get('runs')).body['results'], WITHIN)
    .toMatchObject([
      { status: 'succeeded', output: { final_output: 'Later | Now | Hers' } },
      { id, status: 'succeeded' },
    ])
})

test('compaction keeps sent messages; they are deleted with their run and conversation', async ({
  createServer,
  database,
}) => {
  const gate = createGate()
  const { chat, model } = createChat(gate)
  const stopped = createGate()
  const held = defineAgent({ key: 'held', run: () => stopped.pass() })
  const { rest } = await createServer({ agents: [chat, held], model })
  const id = await rest.create('chat', begin('Weather?'))
  await gate.come
  await rest.post(`runs/${id}/messages`, { message: 'In Celsius.' })
  gate.open()
  const tell = async () =>
    (await rest.events(`runs/${id}/events`)).filter(({ type }) => type !== 'assistant.delta')
  const told = await tell()
  expect(told.map(({ type }) => type)).toContain('user.message')
  const pool = createTestPool(database.url)
  const { rows } = await createTestStore(pool).compactRuns(0)
  await pool.end()
  expect(rows).toBeGreaterThan(0)
  expect(await tell()).toEqual(told)

  const { conversation_id: conversation } = (await rest.get(`runs/${id}`)).body
  const unread = await rest.create('held', { conversation_id: conversation })
  await stopped.come
  await rest.post(`runs/${unread}/messages`, { message: 'Unread.' })
  expect((await rest.request('DELETE', `conversations/${String(conversation)}`)).status).toBe(204)
  stopped.open()
  await expect.poll(() => database.sql('SELECT FROM agent_runtime.run'), WITHIN).toEqual([])
  expect(await database.sql('SELECT FROM agent_runtime.sent_message')).toEqual([])
})
