// What happens to messages that a run does not read any more.
import { expect } from 'vitest'
import { AgentRuntimeError, defineAgent, ownersOnly, textOf } from '../../../../server/index.ts'
import type { AgentContext } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import { ALL, begin, createGate, endSilently, WITHIN } from './scene.ts'

const heard = (ctx: Pick<AgentContext, 'messages'>) => ctx.messages.map((message) => textOf(message))

/** Reads no sent messages, and says what it began with. */
const deaf = (key: string) => defineAgent({ key, run: async (ctx) => ({ output: heard(ctx) }) })

const LATER = { run_at: '2999-01-01T00:00:00Z' }

test('runs whose messages can not be passed on keep nobody else from theirs', async ({
  createServer,
  database,
}) => {
  const agents = [deaf('stuck'), deaf('free')]
  const { rest } = await createServer({ agents, worker: false })
  // More than one look takes.
  const stuck = await Promise.all(
    Array.from({ length: 101 }, () => rest.create('stuck', { ...begin('Later'), ...LATER })),
  )
  const free = await rest.create('free', { ...begin('Later'), ...LATER })
  await Promise.all([...stuck, free].map((id) => rest.post(`runs/${id}/messages`, { message: 'Now' })))
  await database.sql(`
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON agent_runtime.run FOR EACH ROW
      WHEN (NEW.agent_key = 'stuck') EXECUTE FUNCTION refuse()`)
  await endSilently(database, ...stuck)
  await endSilently(database, free)
  const next = `SELECT FROM agent_runtime.run WHERE idempotency_key = 'sent/${free}'`
  await expect.poll(async () => (await database.sql(next)).length, WITHIN).toBe(1)
})

test('messages left by a run that handed its conversation on go to the next agent', async ({
  createServer,
  database,
}) => {
  const gate = createGate()
  const billing = deaf('billing')
  const front = defineAgent({
    key: 'front',
    async run(ctx) {
      await ctx.handOff(billing, { messages: 'Handed on.' })
      await gate.pass()
      return { messages: [{ role: 'assistant', content: 'I hand you on.' }] }
    },
  })
  const { rest } = await createServer({ agents: [front, billing] })
  const id = await rest.create('front', begin('My bill?'))
  await gate.come
  for (const message of ['Of May.', 'And June.']) await rest.post(`runs/${id}/messages`, { message })
  gate.open()
  const runs = () =>
    database.sql('SELECT agent_key, status, output FROM agent_runtime.run ORDER BY COALESCE(rank, ordinal)')
  await expect.poll(runs, WITHIN).toEqual([
    { agent_key: 'front', status: 'succeeded', output: null },
    {
      agent_key: 'billing',
      status: 'succeeded',
      output: ['My bill?', 'I hand you on.', 'Handed on.', 'Of May.', 'And June.'],
    },
  ])
  const left = 'SELECT FROM agent_runtime.sent_message WHERE left_at IS NOT NULL'
  expect(await database.sql(left)).toEqual([])
})

test('where that one is over by then, another run of its agent is asked', async ({
  createServer,
  database,
}) => {
  const gate = createGate()
  const billing = deaf('billing')
  const front = defineAgent({
    key: 'front',
    async run(ctx) {
      const { runId } = await ctx.handOff(billing)
      await gate.pass()
      return { output: runId }
    },
  })
  const { rest } = await createServer({ agents: [front, billing] })
  const id = await rest.create('front', begin('My bill?'))
  await gate.come
  await rest.post(`runs/${id}/messages`, { message: 'Of May.' })
  const handedOn = `SELECT id FROM agent_runtime.run WHERE idempotency_key = 'handoff/${id}/billing/1'`
  const [heir] = await database.sql<{ id: string }>(handedOn)
  await endSilently(database, heir?.id ?? '')
  gate.open()
  const next = `SELECT agent_key, status, output FROM agent_runtime.run WHERE idempotency_key = 'sent/${id}'`
  await expect
    .poll(() => database.sql(next), WITHIN)
    .toEqual([{ agent_key: 'billing', status: 'succeeded', output: ['My bill?', 'Of May.'] }])
})

test('where the owner may create no more runs it is kept with the run, and the next one hears of it', async ({
  createServer,
  database,
}) => {
  const gate = createGate()
  const refused = new Set<string>()
  const asked: string[] = []
  const chat = defineAgent({
    key: 'chat',
    async run(ctx) {
      await gate.pass()
      return { output: heard(ctx) }
    },
  })
  const { rest } = await createServer({
    agents: [chat],
    quota: () => {
      asked.push('quota')
      if (refused.has('quota')) return { retryAfterSeconds: 60 }
    },
    authorize: (_principal, action) =>
      action === 'read' ? 'own' : !(action === 'create' && refused.has('create')),
  })
  const first = await rest.create('chat', begin('One'))
  await gate.come
  const { conversation_id: conversation } = (await rest.get(`runs/${first}`)).body
  const ask = (content: string) =>
    rest.create('chat', { conversation_id: conversation, messages: [{ role: 'user', content }] })
  const other = await rest.create('chat', begin('Two'))
  for (const id of [first, other]) {
    expect((await rest.post(`runs/${id}/messages`, { message: 'Unread.' })).status).toBe(201)
  }
  expect(asked).toHaveLength(2)
  refused.add('quota')
  gate.open()
  const left = `SELECT FROM agent_runtime.sent_message WHERE left_at IS NOT NULL OR taken_at IS NULL`
  await expect.poll(() => database.sql(left), WITHIN).toEqual([])
  expect((await rest.get('runs')).body['count']).toBe(2)
  refused.clear()
  const second = await ask('Again.')
  expect((await rest.events(`runs/${second}/${ALL}`)).at(-1)).toMatchObject({
    output: ['One', 'Unread.', 'Again.'],
  })
})

test('what may create runs is asked anew where it could not tell, and by `authorize` too', async ({
  createServer,
  database,
}) => {
  const askedInVain = Promise.withResolvers<void>()
  let isAway = false
  let refusesRuns = false
  const { rest } = await createServer({
    agents: [deaf('chat')],
    quota: () => {
      if (!isAway) return
      askedInVain.resolve()
      throw new AgentRuntimeError('unavailable', 'The quota is away.')
    },
    authorize: (_principal, action) => (action === 'read' ? 'own' : !(action === 'create' && refusesRuns)),
  })
  const [one, two] = [
    await rest.create('chat', { ...begin('One'), ...LATER }),
    await rest.create('chat', { ...begin('Two'), ...LATER }),
  ]
  for (const id of [one, two]) await rest.post(`runs/${id}/messages`, { message: 'Now' })
  isAway = true
  const sent = (id: string) =>
    database.sql<{ left: boolean; next: boolean }>(
      `SELECT left_at IS NOT NULL AS left, next_run_id IS NOT NULL AS next FROM agent_runtime.sent_message WHERE run_id = '${id}'`,
    )
  await endSilently(database, one)
  await askedInVain.promise
  expect(await sent(one)).toEqual([{ left: true, next: false }])
  isAway = false
  await expect.poll(() => sent(one), WITHIN).toEqual([{ left: false, next: true }])
  refusesRuns = true
  await endSilently(database, two)
  await expect.poll(() => sent(two), WITHIN).toEqual([{ left: false, next: false }])
  expect((await rest.get(`runs/${two}`)).body).toMatchObject({
    input: { messages: [{ content: 'Two' }, { content: 'Now' }] },
  })
})

test('what a run that fails has not read is a part of what failed: nobody is asked it without the rest', async ({
  createServer,
}) => {
  const gate = createGate()
  const failing = defineAgent({
    key: 'failing',
    maxAttempts: 1,
    async run(ctx) {
      await gate.pass()
      if (ctx.messages.length === 1) throw new Error('It fails.')
      return { output: heard(ctx) }
    },
  })
  const { rest } = await createServer({ agents: [failing] })
  const id = await rest.create('failing', begin('Weather?'))
  await gate.come
  await rest.post(`runs/${id}/messages`, { message: 'In Celsius.' })
  gate.open()
  await rest.events(`runs/${id}/events`)
  const { body } = await rest.get(`runs/${id}`)
  expect(body).toMatchObject({
    status: 'failed',
    input: { messages: [{ content: 'Weather?' }, { content: 'In Celsius.' }] },
  })
  const conversation = { conversation_id: body['conversation_id'] }
  const again = await rest.create('failing', {
    ...conversation,
    messages: ['Weather?', 'In Kelvin.'].map((content) => ({ role: 'user', content })),
  })
  expect((await rest.events(`runs/${again}/${ALL}`)).at(-1)).toMatchObject({
    output: ['Weather?', 'In Kelvin.'],
  })
  expect((await rest.get('runs')).body['count']).toBe(2)
})

test('a question asked before a run left its messages comes after them, with any policy', async ({
  createServer,
}) => {
  const gate = createGate()
  const held = createGate()
  const heard: string[] = []
  const plain = defineAgent({
    key: 'plain',
    async run(ctx) {
      heard.push(textOf(ctx.messages.findLast(({ role }) => role === 'user')))
      if (heard.length === 1) await gate.pass()
    },
  })
  const { rest } = await createServer({
    agents: [plain],
    config: { maxWaitingRuns: 2 },
    authenticate: () => ({ id: 'ann', tenantId: '', kind: 'user', claims: { isHere: true } }),
    async authorize(...question) {
      const [principal, action] = question
      // Nobody is there to ask for the next run.
      if (action === 'create' && principal?.claims === undefined) await held.pass()
      return ownersOnly(...question)
    },
  })
  const { body } = await rest.post('runs', { agent_key: 'plain', ...begin('First.') })
  const id = String(body['id'])
  await gate.come
  await rest.post(`runs/${id}/messages`, { message: 'Left.' })
  gate.open()
  await held.come
  const create = (content: string, conversation_policy: string) =>
    rest.post('runs', {
      agent_key: 'plain',
      conversation_id: body['conversation_id'],
      conversation_policy,
      messages: [{ role: 'user', content }],
    })
  const rejected = await create('Rejected.', 'reject')
  expect([rejected.status, rejected.body['details']]).toEqual([
    409,
    { reason: 'unread_messages', retryAfterSeconds: 1 },
  ])
  expect(rejected.body['error']).toContain('not read')
  const [queued, steered] = [await create('Queued.', 'queue'), await create('Steered.', 'steer')]
  expect([queued.status, steered.status]).toEqual([201, 201])
  // Neither of the two waiting runs has the turn.
  expect(await create('Too much.', 'queue')).toMatchObject({ status: 429, body: { details: { waiting: 2 } } })
  expect(heard).toEqual(['First.'])
  held.open()
  for (const next of [queued, steered]) {
    expect((await rest.events(`runs/${String(next.body['id'])}/events`)).at(-1)?.type).toBe('run.succeeded')
  }
  expect(heard).toEqual(['First.', 'Left.', 'Queued.', 'Steered.'])
})
