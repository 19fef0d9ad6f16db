import { readFile } from 'node:fs/promises'
import { expect } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const agent = defineAgent({ key: 'agent', run: async (ctx) => void (await ctx.wait('answer', z.string())) })

test('the queries of docs/debugging.md find a run that waits', async ({ createServer, database }) => {
  const page = await readFile(new URL('../../../../docs/debugging.md', import.meta.url), 'utf8')
  const queries = [...page.matchAll(/```sql\n(.*?)```/gs)].map(([, sql = '']) => sql)
  const { rest } = await createServer({ agents: [agent] })
  const runId = await rest.create('agent')
  const stream = await rest.stream(`runs/${runId}/events`, { headers: { accept: 'text/event-stream' } })
  await stream.until('run.waiting')
  await stream.close()

  const results = []
  for (const query of queries) results.push(await database.sql(query.replaceAll(":'run'", `'${runId}'`)))
  const [row, conversation, , waits, events, locks, tables] = results
  expect(row).toMatchObject([{ status: 'waiting', attempt: 1, turn: null }])
  expect(waits).toMatchObject([{ name: 'answer', status: 'pending', kind: 'input' }])
  expect(events?.[0]).toMatchObject({ type: 'run.waiting', attempt: 1 })
  expect({ conversation, locks }).toEqual({ conversation: [], locks: [] })
  expect(tables?.length).toBeGreaterThan(5)
})
