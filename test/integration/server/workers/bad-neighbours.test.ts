// Creates of all callers share a transaction. A bad one must not harm the others.
import { describe, expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const agent = defineAgent({ key: 'agent', run: async () => {} })
const byUser = ({ headers }: Request) => ({
  id: headers.get('x-user') ?? 'nobody',
  tenantId: headers.get('x-tenant') ?? '',
  kind: 'user' as const,
})

/** Times that a schema may accept and PostgreSQL does not, with the outcomes. */
const TIMES: [time: string, stored: string | null][] = [
  ['0000-01-01T00:00:00Z', null],
  ['0001-01-01T00:00:00+10:00', null],
  ['2999-12-31T23:59:59-01:00', null],
  ['9999-12-31T23:59:59Z', null],
  ['2030-01-01T00:00:00+17:00', '2029-12-31T07:00:00.000Z'],
  ['2030-01-01T00:00:00-23:59', '2030-01-01T23:59:00.000Z'],
  [`2030-01-01T00:00:00.${'1'.repeat(130)}Z`, '2030-01-01T00:00:00.111Z'],
  ['2028-02-29T12:00:00.5+05:30', '2028-02-29T06:30:00.500Z'],
]

describe('creates at the same moment', () => {
  test('whatever times are sent, nobody else hears of them, and those that can be kept are', async ({
    createServer,
  }) => {
    const { as } = await createServer({ agents: [agent], authenticate: byUser, worker: false })
    const { rest: strange } = as({ 'x-user': 'eve', 'x-tenant': 'strange' })
    const { rest: good } = as({ 'x-user': 'ada' })
    const asked = TIMES.flatMap(([time, stored]) =>
      (['run_at', 'expires_at'] as const).map((field) => ({ field, time, stored })),
    )
    const [answers, others] = await Promise.all([
      Promise.all(
        asked.map(({ field, time }) => strange.post('runs', { agent_key: 'agent', [field]: time })),
      ),
      Promise.all(Array.from({ length: 100 }, () => good.post('runs', { agent_key: 'agent' }))),
    ])
    expect(others.filter(({ status }) => status !== 201)).toEqual([])
    const got = answers.map(({ status, body }, index) => [
      status,
      status === 201 ? body[asked[index]?.field ?? ''] : body['code'],
    ])
    const expected = asked.map(({ stored }) => (stored === null ? [400, 'validation_failed'] : [201, stored]))
    expect(got).toEqual(expected)
  })

  test('large ones share no transaction, so that none stands still for as long as PostgreSQL ends it', async ({
    createServer,
    database,
  }) => {
    const { rest } = await createServer({ agents: [agent], worker: false })
    const text = 'x'.repeat(300_000)
    const create = async (metadata: object) =>
      (await rest.post('runs', { agent_key: 'agent', metadata })).status
    const statuses = await Promise.all(Array.from({ length: 12 }, () => create({ text })))
    expect(statuses).toEqual(statuses.map(() => 201))
    const transactions = await database.sql<{ runs: number }>(
      'SELECT count(*)::int AS runs FROM agent_runtime.run GROUP BY xmin::text',
    )
    expect(Math.max(...transactions.map(({ runs }) => runs))).toBeLessThanOrEqual(3)
  })

  test('what the database refuses of one is answered to that one alone', async ({
    createServer,
    database,
  }) => {
    const { as, log } = await createServer({ agents: [agent], authenticate: byUser, worker: false })
    await database.sql(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE 'no evil in here' USING ERRCODE = 'data_exception'; END $$`)
    await database.sql(`
      CREATE TRIGGER refuse BEFORE INSERT ON agent_runtime.run
      FOR EACH ROW WHEN (NEW.metadata ? 'evil') EXECUTE FUNCTION refuse()`)
    const { rest: evil } = as({ 'x-user': 'eve', 'x-tenant': 'evil' })
    const { rest: good } = as({ 'x-user': 'ada' })
    const create = (rest: typeof good, index: number, metadata: object) =>
      rest.post('runs', {
        agent_key: 'agent',
        metadata,
        ...(index % 2 === 0 && { idempotency_key: String(index) }),
      })
    const [refused, others] = await Promise.all([
      Promise.all(Array.from({ length: 6 }, (_, index) => create(evil, index, { evil: true }))),
      Promise.all(Array.from({ length: 150 }, (_, index) => create(good, index, {}))),
    ])
    expect(others.filter(({ status }) => status !== 201)).toEqual([])
    for (const answer of refused) {
      expect(answer).toMatchObject({
        status: 400,
        body: { code: 'validation_failed', error: expect.stringContaining('no evil in here') as string },
      })
    }
    expect(await database.sql('SELECT count(*)::int FROM agent_runtime.run')).toEqual([{ count: 150 }])
    expect(log.filter(({ level }) => level === 'error')).toEqual([])
    // Each was tried with the others and alone, and never again.
    expect(log.filter(({ message }) => message === 'the database refused a run')).toHaveLength(6)
  })

  test('a conversation or a key that somebody holds keeps nobody else waiting', async ({
    createServer,
    database,
  }) => {
    const { rest } = await createServer({ agents: [agent], worker: false })
    const held = String((await rest.post('conversations', {})).body['id'])
    const free = String((await rest.post('conversations', {})).body['id'])
    const holder = await database.connect()
    await holder.query('BEGIN')
    await holder.query('SELECT FROM agent_runtime.conversation WHERE id = $1 FOR UPDATE', [held])
    await holder.query(
      `INSERT INTO agent_runtime.run (id, owner_id, owner_kind, agent_key, max_attempts, timeout_ms, idempotency_key)
       VALUES (gen_random_uuid(), 'public', 'public', 'agent', 1, 1, 'held')`,
    )
    const post = (body: object) => rest.post('runs', { agent_key: 'agent', ...body })
    const kept = [post({ conversation_id: held }), post({ idempotency_key: 'held' })]
    const others = await Promise.all([
      ...Array.from({ length: 10 }, () => post({})),
      post({ conversation_id: free }),
      post({ idempotency_key: 'free' }),
    ])
    expect(others.map(({ status }) => status)).toEqual(others.map(() => 201))
    await holder.query('ROLLBACK')
    expect((await Promise.all(kept)).map(({ status }) => status)).toEqual([201, 201])
  })
})
