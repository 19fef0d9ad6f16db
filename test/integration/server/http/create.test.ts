import { describe, expect } from 'vitest'
import { v7 as uuidv7 } from 'uuid'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const echo = defineAgent({ key: 'echo', run: async (ctx) => ({ output: ctx.params as never }) })
const byUser = (request: Request) => {
  const id = request.headers.get('x-user') ?? 'nobody'
  const kind = request.headers.get('x-kind') === 'anonymous' ? ('anonymous' as const) : ('user' as const)
  return { id, tenantId: request.headers.get('x-tenant') ?? '', kind }
}

const counts = `SELECT (SELECT count(*)::int FROM agent_runtime.run) AS runs,
  (SELECT count(*)::int FROM agent_runtime.message) AS messages,
  (SELECT count(*)::int FROM agent_runtime_queue.job) AS jobs`

describe('an idempotency key', () => {
  test('makes twenty creates at once one run with one job', async ({ createServer, database }) => {
    const server = { agents: [echo], worker: false } as const
    const servers = await Promise.all([createServer(server), createServer(server)])
    const body = { agent_key: 'echo', idempotency_key: 'once', messages: [{ role: 'user', content: 'Hi' }] }
    const answers = await Promise.all(
      servers.flatMap(({ rest }) => Array.from({ length: 10 }, () => rest.post('runs', body))),
    )
    expect(new Set(answers.map((answer) => answer.body['id'])).size).toBe(1)
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(19)
    expect(await database.sql(counts)).toEqual([{ runs: 1, messages: 1, jobs: 1 }])
  })

  test('answers the run of then, also when it is over or is asked for in other words', async ({
    createServer,
  }) => {
    const { rest, trpc } = await createServer({ agents: [echo] })
    const messages = [{ role: 'user', content: 'Hi' }]
    const id = await rest.create('echo', { idempotency_key: 'k', params: { a: 1, b: [2] }, messages })
    await rest.events(`runs/${id}/events`)
    const again = {
      agent_key: 'echo',
      idempotency_key: 'k',
      messages,
      priority: 5,
      metadata: { later: true },
    }
    expect(await rest.post('runs', { ...again, params: { b: [2], a: 1 } })).toMatchObject({
      status: 200,
      body: { id, status: 'succeeded', priority: 0 },
    })
    const input = { agentKey: 'echo', idempotencyKey: 'k', params: { a: 1, b: [2] } }
    expect(
      (await trpc.client.runs.create.mutate({ ...input, messages: [{ role: 'user', content: 'Hi' }] })).id,
    ).toBe(id)
  })

  test('is refused for another request, whatever it differs in, and does nothing', async ({
    createServer,
    database,
  }) => {
    const other = defineAgent({ key: 'other', run: async () => {} })
    const { rest, trpc } = await createServer({ agents: [echo, other], worker: false })
    const conversation_id = (await rest.post('conversations', {})).body['id']
    const id = await rest.create('echo', { idempotency_key: 'k', params: 1 })
    const bystander = await rest.create('echo', { conversation_id })
    for (const request of [
      { agent_key: 'other', params: 1 },
      { agent_key: 'echo', params: 2 },
      { agent_key: 'echo' },
      { agent_key: 'echo', params: 1, messages: [{ role: 'user', content: 'Hi' }] },
      { agent_key: 'echo', params: 1, conversation_id, conversation_policy: 'interrupt' },
    ]) {
      expect(await rest.post('runs', { ...request, idempotency_key: 'k' })).toMatchObject({
        status: 409,
        body: { code: 'conflict', details: { runId: id } },
      })
    }
    await expect(
      trpc.client.runs.create.mutate({ agentKey: 'echo', idempotencyKey: 'k', params: 2 }),
    ).rejects.toMatchObject({ data: { error: { code: 'conflict', details: { runId: id } } } })
    expect((await rest.get(`runs/${bystander}`)).body['status']).toBe('queued')
    expect(await database.sql(counts)).toMatchObject([{ runs: 2, jobs: 2 }])
    // A run from before there were fingerprints is the answer to any request with its key.
    await database.sql('UPDATE agent_runtime.run SET fingerprint = NULL')
    expect(await rest.post('runs', { agent_key: 'echo', params: 2, idempotency_key: 'k' })).toMatchObject({
      status: 200,
      body: { id },
    })
  })

  test.for(['interrupt', 'reject'] as const)(
    'used at two servers at the same moment, with %s, is one run that nothing happens to',
    async (conversation_policy, { createServer, database }) => {
      const server = { agents: [echo], worker: false } as const
      const servers = await Promise.all([createServer(server), createServer(server)])
      const { body } = await servers[0].rest.post('conversations', {})
      const request = { agent_key: 'echo', conversation_id: body['id'], conversation_policy }
      // Both find nothing with that key when the first of them creates its run.
      const holder = await database.connect()
      await holder.query('BEGIN')
      await holder.query('SELECT FROM agent_runtime.conversation FOR UPDATE')
      const asked = servers.map(({ rest }) => rest.post('runs', { ...request, idempotency_key: 'once' }))
      const waiting = `SELECT count(*)::int FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`
      await expect.poll(() => database.sql(waiting)).toEqual([{ count: 2 }])
      await holder.query('ROLLBACK')
      const answers = await Promise.all(asked)
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 201]))
      expect(new Set(answers.map((answer) => answer.body['id'])).size).toBe(1)
      expect(await database.sql('SELECT status FROM agent_runtime.run')).toEqual([{ status: 'queued' }])
    },
  )

  test('used for two conversations at the same moment interrupts in neither but its own', async ({
    createServer,
    database,
  }) => {
    const { rest } = await createServer({ agents: [echo], worker: false })
    const { body } = await rest.post('conversations', {})
    const bystander = await rest.create('echo', { conversation_id: body['id'] })
    // Another server has used the same key and has not committed yet.
    const other = await database.connect()
    await other.query('BEGIN')
    await other.query(
      `INSERT INTO agent_runtime.run
         (id, owner_id, owner_kind, agent_key, max_attempts, timeout_ms, idempotency_key, fingerprint, run_at)
       VALUES (gen_random_uuid(), 'public', 'public', 'echo', 1, 1, 'k', 'of another request', now())`,
    )
    const interrupting = { agent_key: 'echo', conversation_id: body['id'], conversation_policy: 'interrupt' }
    const asked = rest.post('runs', { ...interrupting, idempotency_key: 'k' })
    await expect
      .poll(() => database.sql(`SELECT FROM pg_stat_activity WHERE wait_event = 'transactionid'`))
      .toHaveLength(1)
    await other.query('COMMIT')
    expect((await asked).status).toBe(409)
    expect((await rest.get(`runs/${bystander}`)).body['status']).toBe('queued')
    await database.sql(`DELETE FROM agent_runtime.run WHERE idempotency_key = 'k'`)
  })

  test('is its owner’s: another owner, tenant or kind of caller gets a run of their own', async ({
    createServer,
  }) => {
    const { as } = await createServer({ agents: [echo], authenticate: byUser, worker: false })
    const ids = await Promise.all([
      as({ 'x-user': 'ada' }).rest.create('echo', { idempotency_key: 'k' }),
      as({ 'x-user': 'bob' }).rest.create('echo', { idempotency_key: 'k' }),
      as({ 'x-user': 'ada', 'x-tenant': 'acme' }).rest.create('echo', { idempotency_key: 'k' }),
      as({ 'x-user': 'ada', 'x-kind': 'anonymous' }).rest.create('echo', { idempotency_key: 'k' }),
    ])
    expect(new Set(ids).size).toBe(4)
  })

  test('without one, every create is a run', async ({ createServer, database }) => {
    const { rest } = await createServer({ agents: [echo], worker: false })
    await Promise.all(Array.from({ length: 20 }, () => rest.create('echo')))
    expect(await database.sql(counts)).toEqual([{ runs: 20, messages: 0, jobs: 20 }])
  })

  test('many keys in any order on two servers at once do not lock each other out', async ({
    createServer,
    database,
  }) => {
    const server = { agents: [echo], worker: false } as const
    const servers = await Promise.all([createServer(server), createServer(server)])
    for (let round = 0; round < 5; round += 1) {
      const keys = Array.from({ length: 40 }, (_, index) => `${round}-${index}`)
      const answers = await Promise.all(
        servers.flatMap(({ rest }, index) =>
          (index === 0 ? keys : keys.toReversed()).map((key) =>
            rest.post('runs', { agent_key: 'echo', idempotency_key: key }),
          ),
        ),
      )
      expect(
        answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 201),
      ).toEqual([])
    }
    expect(await database.sql(counts)).toMatchObject([{ runs: 200, jobs: 200 }])
  })
})

describe('a create commits as a whole or not at all', () => {
  test('when the queue refuses the job: no run, no message', async ({ createServer, database }) => {
    const { rest, trpc, log } = await createServer({ agents: [echo], worker: false })
    await database.sql('ALTER TABLE agent_runtime_queue.job_common RENAME TO elsewhere')
    const messages = [{ role: 'user' as const, content: 'Hi' }]
    expect(await rest.post('runs', { agent_key: 'echo', messages })).toMatchObject({
      status: 500,
      body: { code: 'internal' },
    })
    await expect(trpc.client.runs.create.mutate({ agentKey: 'echo', messages })).rejects.toMatchObject({
      data: { httpStatus: 500, error: { code: 'internal' } },
    })
    await database.sql('ALTER TABLE agent_runtime_queue.elsewhere RENAME TO job_common')
    expect(await database.sql(counts)).toEqual([{ runs: 0, messages: 0, jobs: 0 }])
    expect(log.filter(({ level }) => level === 'error')).not.toEqual([])
    await rest.create('echo', { messages })
    expect(await database.sql(counts)).toEqual([{ runs: 1, messages: 1, jobs: 1 }])
  })

  test('when the connection breaks before the commit: nothing of it', async ({ createServer, database }) => {
    const { rest } = await createServer({ agents: [echo], worker: false })
    // An insert of a message waits for a lock, in the middle of the transaction.
    const locking = await database.connect()
    await locking.query('BEGIN; LOCK TABLE agent_runtime.message IN EXCLUSIVE MODE')
    const creating = rest.post('runs', { agent_key: 'echo', messages: [{ role: 'user', content: 'Hi' }] })
    await expect
      .poll(() =>
        database.sql(
          `SELECT pg_terminate_backend(pid) AS killed FROM pg_stat_activity
           WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        ),
      )
      .toEqual([{ killed: true }])
    await locking.query('COMMIT')
    expect((await creating).status).toBeGreaterThanOrEqual(500)
    expect(await database.sql(counts)).toEqual([{ runs: 0, messages: 0, jobs: 0 }])
    await rest.create('echo')
  })

  test('one create that is refused takes none of its neighbours along', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [echo], worker: false })
    const good = { agent_key: 'echo' }
    const elsewhere = { agent_key: 'echo', conversation_id: uuidv7() }
    const bodies = Array.from({ length: 30 }, (_, index) => (index % 3 === 0 ? elsewhere : good))
    const answers = await Promise.all(bodies.map((body) => rest.post('runs', body)))
    expect(answers.map(({ status }) => status)).toEqual(bodies.map((body) => (body === good ? 201 : 404)))
  })
})
