import { randomUUID } from 'node:crypto'
import { expect, vi } from 'vitest'
import { DEAD_LETTER_QUEUE } from '../../../../server/postgres/queue/dead-letters.ts'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const echo = defineAgent({ key: 'echo', run: async () => ({ output: 'done' }) })

const INSERT = `
  INSERT INTO agent_runtime_queue.job (id, name, data, priority) VALUES ($1, 'echo', $2, 50)`
const LETTERS = `
  SELECT id, data FROM agent_runtime_queue.job WHERE name = '${DEAD_LETTER_QUEUE}' ORDER BY created_on, id`

test('what is not ours is set aside with its reason, and the rest of its batch is executed', async ({
  createServer,
  database,
}) => {
  const { runtime, rest, log } = await createServer({ agents: [echo], worker: false })
  await runtime.start()
  const foreign = [null, {}, { runId: 7 }, { runId: 'x' }, ['run'], 'text']
  const ids = foreign.map(() => randomUUID()).toSorted()
  for (const [index, data] of foreign.entries()) {
    await database.sql(INSERT, [ids[index], JSON.stringify(data)])
  }
  const runId = await rest.create('echo')
  await runtime.startWorker()
  expect((await rest.events(`runs/${runId}/events?include_all=1`)).at(-1)?.type).toBe('run.succeeded')

  const letters = await database.sql<{ id: string; data: { reason: string } }>(LETTERS)
  expect(letters.map(({ id }) => id)).toEqual(ids)
  expect(letters.map(({ data }) => data)).toEqual(
    foreign.map((payload) => ({ queue: 'echo', payload, reason: expect.any(String) })),
  )
  expect(letters[3]?.data.reason).toBe('runId: a run id is a UUID')
  const reported = log.filter(({ level }) => level === 'error').map(({ fields }) => String(fields['id']))
  expect(reported.toSorted()).toEqual(ids)
  const [left] = await database.sql(`
    SELECT count(*)::int FROM agent_runtime_queue.job WHERE name = 'echo' AND data ->> 'runId' IS DISTINCT FROM '${runId}'`)
  expect(left).toEqual({ count: 0 })
})

test('one that was copied by a process that died then is copied once', async ({ createServer, database }) => {
  const { runtime } = await createServer({ agents: [echo], worker: false })
  await runtime.start()
  const id = randomUUID()
  await database.sql(INSERT, [id, '{}'])
  await database.sql(`INSERT INTO agent_runtime_queue.job (id, name, data) VALUES ($1, $2, '{}')`, [
    id,
    DEAD_LETTER_QUEUE,
  ])
  await runtime.startWorker()
  await vi.waitFor(async () => {
    expect(await database.sql(`SELECT FROM agent_runtime_queue.job WHERE name = 'echo'`)).toEqual([])
  })
  expect(await database.sql(LETTERS)).toEqual([{ id, data: {} }])
})

test('a delivery of a run that was deleted is forgotten, with a word in the log', async ({
  createServer,
  database,
}) => {
  const { runtime, rest, log } = await createServer({ agents: [echo], worker: false })
  const gone = await rest.create('echo')
  await database.sql('DELETE FROM agent_runtime.run WHERE id = $1', [gone])
  const next = await rest.create('echo')
  await runtime.startWorker()
  await rest.events(`runs/${next}/events`)
  expect(log).toContainEqual({
    level: 'debug',
    fields: { runIds: [gone] },
    message: 'deliveries without a run to claim',
  })
  await vi.waitFor(async () => {
    const jobs = await database.sql(`SELECT state FROM agent_runtime_queue.job WHERE data ->> 'runId' = $1`, [
      gone,
    ])
    expect(jobs).toEqual([{ state: 'completed' }])
  })
  // The invariant that every delivery has a run does not cover runs deleted by hand.
  await database.sql(`DELETE FROM agent_runtime_queue.job WHERE data ->> 'runId' = $1`, [gone])
})
