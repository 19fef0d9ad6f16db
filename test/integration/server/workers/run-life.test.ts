// PostgreSQL records how the status of each run changes, in this test and in all others with a runtime: see
// the fixture `database`. These runs take every transition, so the table of transitions has none too many.
import { expect } from 'vitest'
import { z } from 'zod'
import { defineAgent, NonRetriableError } from '../../../../server/index.ts'
import { timedOut, timedOutSql } from '../../../../server/lifecycle/errors.ts'
import { OPEN } from '../../../../server/lifecycle/statuses.ts'
import { refuseClaims } from '../../../support/refuse-claims.ts'
import { test } from '../../../support/runtime.ts'
import { expireLease } from '../../../support/takeover.ts'
import { KNOWN_TRANSITIONS } from '../../../support/transitions.ts'

const agent = defineAgent({
  key: 'agent',
  maxAttempts: 2,
  async run(ctx) {
    switch (ctx.metadata['does']) {
      case 'fail':
        throw new NonRetriableError('It is of no use.')
      case 'retry':
        if (ctx.attempt === 1) throw new Error('not yet')
        return
      case 'wait':
        await ctx.wait('word', z.string())
        return
      case 'sleep':
        await ctx.sleep(1)
        return
      case 'hang':
        await new Promise<never>((_, reject) => {
          ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))
        })
        return
      default:
    }
  },
})

test('runs take each way that the table of transitions has, and no other', async ({
  createServer,
  database,
}) => {
  const { rest, runtime } = await createServer({
    agents: [agent],
    worker: false,
    config: { queuePollIntervalSeconds: 0.1 },
  })
  const create = (does: string, more: Record<string, unknown> = {}) =>
    rest.create('agent', { ...more, metadata: { does, ...Object(more['metadata']) } })
  const ended = (id: string) => rest.events(`runs/${id}/events`)
  const has = async (id: string, fields: Record<string, unknown>) => {
    await expect.poll(async () => (await rest.get(`runs/${id}`)).body).toMatchObject(fields)
  }

  await refuseClaims(database.sql)
  const ids = [
    await create('succeed'),
    await create('fail'),
    await create('retry'),
    await create('sleep'),
    await create('hang', { timeout_ms: 100 }),
    await create('succeed', { metadata: { evil: 1 } }),
    await create('sleep', { metadata: { evil: 2 } }),
    await create('succeed', { expires_at: new Date(Date.now() - 1).toISOString() }),
  ]
  const early = await create('succeed')
  await rest.post(`runs/${early}/cancel`)
  const [hanging, lost] = [await create('hang'), await create('hang')]
  const [answered, unanswered] = [await create('wait'), await create('wait')]
  await runtime.startWorker()

  await has(hanging, { status: 'running' })
  await rest.post(`runs/${hanging}/cancel`)
  await has(lost, { status: 'running' })
  await expireLease(database.sql, lost)
  await has(lost, { status: 'running', attempt: 2 })
  await rest.post(`runs/${lost}/cancel`)
  await has(answered, { status: 'waiting' })
  await rest.post(`runs/${answered}/respond`, { wait: 'word', value: 'please' })
  await has(unanswered, { status: 'waiting' })
  await rest.post(`runs/${unanswered}/cancel`)
  await Promise.all([...ids, early, hanging, lost, answered, unanswered].map(ended))

  expect((await database.transitions()).toSorted()).toEqual(KNOWN_TRANSITIONS.toSorted())
})

test.for([1, 50, 1_500, 60_000, 2_147_483_647])(
  'a timeout of %i ms has one text, whether a worker or the database ends the run',
  async (timeoutMs, { database }) => {
    const [row] = await database.sql(`SELECT ${timedOutSql('$1::int')} AS error`, [timeoutMs])
    expect(row).toEqual({ error: timedOut(timeoutMs) })
  },
)

test('the indexes of open runs hold all of them', async ({ database }) => {
  const indexes = await database.sql<{ indexname: string; indexdef: string }>(
    `SELECT indexname, indexdef FROM pg_indexes WHERE indexname IN ('run_open_idx', 'run_under_way_idx')`,
  )
  expect(indexes).toHaveLength(2)
  const open = [...OPEN.matchAll(/'(\w+)'/g)].map(([, status]) => status)
  for (const { indexdef } of indexes) {
    expect([...indexdef.matchAll(/'(\w+)'::/g)].map(([, status]) => status)).toEqual(open)
  }
})
