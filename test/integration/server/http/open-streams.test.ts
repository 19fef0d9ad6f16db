// The bound of a principal's open streams over HTTP, with the requests that wait for events.
import { expect } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import type { Authenticate } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const agent = defineAgent({
  key: 'agent',
  run: async (ctx) => ({ output: (await ctx.wait('word', z.string())).value }),
})

const authenticate: Authenticate = (request) => ({
  id: request.headers.get('authorization') ?? 'ada',
  tenantId: 'acme',
  kind: 'user',
})

test('is bounded, whatever they come over; one that ends makes room', async ({ createServer }) => {
  const { rest, as, runtime } = await createServer({
    agents: [agent],
    authenticate,
    worker: false,
    config: { streamsPerPrincipal: 3 },
  })
  const id = await rest.create('agent')
  const events = `runs/${id}/events`
  const input = encodeURIComponent(JSON.stringify({ runId: id }))
  const follow = () => runtime.handler(new Request(`http://localhost/trpc/runs.events?input=${input}`))
  const json = { headers: { accept: 'application/json' } }
  const streams = [await rest.stream(events), await rest.stream(events)]
  const overTrpc = await follow()
  const refused = await rest.get(events, { headers: { accept: 'text/event-stream' } })
  expect([refused.status, refused.body['code']]).toEqual([429, 'rate_limited'])
  expect(await (await follow()).text()).toContain('TOO_MANY_REQUESTS')
  expect((await rest.get(`${events}?wait_seconds=50`, json)).status).toBe(429)
  // Pages that are answered at once need no place, and other callers have their own.
  expect((await rest.get(events, json)).status).toBe(200)
  const { rest: bobs } = as({ authorization: 'bob' })
  const other = await bobs.stream(`runs/${await bobs.create('agent')}/events`)
  await other.close()

  await streams.pop()?.close()
  for (let round = 0; round < 3; round += 1) {
    expect((await rest.get(`${events}?wait_seconds=1`, json)).status).toBe(200)
    await (await rest.stream(events)).close()
  }
  await overTrpc.body?.cancel()
  for (let round = 0; round < 20; round += 1) {
    const more = await Promise.all([1, 2].map(() => rest.stream(events)))
    await Promise.all(more.map((one) => one.close()))
  }
  await streams.pop()?.close()
})
