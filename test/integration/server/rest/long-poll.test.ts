// A page of events that waits for the next event, for callers who cannot read a stream.
import { expect } from 'vitest'
import { createHeldAgent } from '../../../support/held-agent.ts'
import type { RestClient, RestEvent } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'

const asJson = { headers: { accept: 'application/json' } }

async function page(rest: RestClient, id: string, query: string): Promise<RestEvent[]> {
  const { status, body } = await rest.get(`runs/${id}/events?${query}`, asJson)
  expect(status).toBe(200)
  return body['results'] as RestEvent[]
}

test('waits for an event, and for the end', async ({ createServer }) => {
  const { agent, attempt, release } = createHeldAgent()
  const { rest } = await createServer({ agents: [agent] })
  const id = await rest.create('held')
  const ctx = await attempt(0)
  const [started] = await page(rest, id, 'wait_seconds=20')
  expect(started).toMatchObject({ type: 'run.started', seq: 1 })

  const said = page(rest, id, 'from_seq=2&wait_seconds=20')
  await ctx.emitMessage('Hello')
  expect(await said).toMatchObject([{ type: 'assistant.message', content: 'Hello', seq: 2 }])

  const ended = page(rest, id, 'from_seq=3&wait_seconds=20')
  release()
  expect(await ended).toMatchObject([{ type: 'run.succeeded', seq: 3 }])
  // No event will come, so there is nothing to wait for.
  expect(await page(rest, id, 'from_seq=4&wait_seconds=20')).toEqual([])
})

test('is empty when the time is up, whatever the reader may not see', async ({ createServer }) => {
  const { agent, attempt } = createHeldAgent()
  const { rest } = await createServer({ agents: [agent] })
  const id = await rest.create('held')
  const ctx = await attempt(0)
  const waiting = page(rest, id, 'from_seq=2&wait_seconds=1')
  await ctx.emit('usage', { model: 'any', inputTokens: 1, outputTokens: 1 })
  expect(await waiting).toEqual([])
  expect((await rest.post(`runs/${id}/cancel`)).status).toBe(200)
})

test('refuses to wait for anything else than some seconds', async ({ createServer }) => {
  const { agent } = createHeldAgent()
  const { rest } = await createServer({ agents: [agent], worker: false })
  const id = await rest.create('held')
  for (const wrong of ['51', '-1', '1.5', 'long', 'Infinity']) {
    expect((await rest.get(`runs/${id}/events?wait_seconds=${wrong}`, asJson)).status).toBe(400)
  }
})
