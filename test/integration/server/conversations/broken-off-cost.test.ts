import type pg from 'pg'
import { expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { readBrokenOff } from '../../../../server/postgres/statements/read-broken-off.ts'
import { test } from '../../../support/runtime.ts'

const MESSAGES = 300
/** Blocks. Today 2,500; where all events are read once for each message it is 7,900. */
const AT_MOST = 4_000

const talker = defineAgent({
  key: 'talker',
  maxAttempts: 1,
  async run(ctx) {
    for (let index = 0; index < MESSAGES; index++) {
      void ctx.emit('assistant.message', { messageId: `said-${index}`, content: 'Hm.' })
      void ctx.emit('tool.call', { toolCallId: `call-${index}`, tool: 'look', arguments: 'x'.repeat(200) })
    }
    throw new Error('out of order')
  },
})

/** Plans as PostgreSQL makes them where most runs are short: it reads the rows of one table for each row of another. */
const SHORT_RUNS = 'SET enable_hashjoin = off; SET enable_mergejoin = off'

test('calls of a run that said much are read in time that grows as it does', async ({
  createServer,
  database,
}) => {
  const { rest } = await createServer({ agents: [talker] })
  const id = await rest.create('talker', {
    conversation: 'new',
    messages: [{ role: 'user', content: 'Where?' }],
  })
  await rest.events(`runs/${id}/events/stream`)
  const client = await database.connect()
  await client.query(SHORT_RUNS)
  const plans: string[] = []
  const explaining = {
    async query({ text, values }: pg.QueryConfig) {
      const { rows } = await client.query<Record<string, string>>({
        text: `EXPLAIN (ANALYZE, BUFFERS) ${text}`,
        ...(values === undefined ? {} : { values }),
      })
      plans.push(...rows.map((row) => String(row['QUERY PLAN'])))
      return { rows: [] }
    },
  } as unknown as pg.Pool
  const anybody = { scope: 'any', tenantId: 'acme', id: 'ada', kind: 'user' } as const
  await readBrokenOff(explaining, anybody, [id], ['user', 'debug'])
  const read = Number(/shared hit=(\d+)/.exec(plans.join('\n'))?.[1])
  expect(read).toBeLessThanOrEqual(AT_MOST)
})
