// Many runs at once, from several processes, and the conversation meanwhile.
import { describe, expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { startTestRedis, withoutRedis } from '../../../support/redis.ts'
import { test } from '../../../support/runtime.ts'
import { WITHIN, ALL, asking, childOf, parentOf } from './scene.ts'

const quick = defineAgent({ key: 'quick', run: async ({ params }) => ({ output: params ?? null }) })

test('a hundred at once all come back, over two servers and their workers', async ({
  createServer,
  database,
}) => {
  const parent = parentOf(async (ctx) => {
    const all = await Promise.all(Array.from({ length: 100 }, (_, n) => ctx.runAgent(quick, { params: n })))
    return { output: all.map(({ output }) => output) }
  })
  const agents = [parent, quick]
  const one = await createServer({ agents })
  const two = await createServer({ agents })
  const ids = await Promise.all([one.rest.create('parent'), two.rest.create('parent')])
  for (const id of ids) {
    const events = await one.rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ output: Array.from({ length: 100 }, (_, n) => n) })
    for (const type of ['child.started', 'child.ended']) {
      const told = events.filter((event) => event.type === type).map((event) => event['child_run_id'])
      expect(new Set(told).size).toBe(100)
      expect(told).toHaveLength(100)
    }
  }
  expect(await database.sql('SELECT FROM agent_runtime.run WHERE depth = 1')).toHaveLength(200)
})

describe.skipIf(withoutRedis)('runs below, with the queue in Redis,', () => {
  test('are delivered with their parent’s next attempts', async ({ createServer }) => {
    await using redis = await startTestRedis()
    const parent = parentOf(async (ctx) => {
      const started = await ctx.startAgent(quick, { params: 'apart' })
      const all = await Promise.all([1, 2].map((n) => ctx.runAgent(quick, { params: n })))
      return { output: [...all.map(({ output }) => output), (await started.result()).output] }
    })
    const settings = {
      agents: [parent, quick],
      config: { queueBackend: 'redis', eventBusBackend: 'redis', redisUrl: redis.url } as const,
    }
    const servers = [await createServer(settings), await createServer(settings)] as const
    const id = await servers[0].rest.create('parent')
    const events = await servers[1].rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ output: [1, 2, 'apart'] })
    await Promise.all(servers.map(({ runtime }) => runtime.stop()))
  })
})

test('of answers to a wait below, over the run itself and the one above, one is taken', async ({
  createServer,
}) => {
  const parent = parentOf(async (ctx) => ({ output: (await ctx.runAgent(asking)).output }))
  const agents = [parent, asking]
  const [one, two] = [await createServer({ agents }), await createServer({ agents, worker: false })]
  const id = await one.rest.create('parent')
  await (await one.rest.stream(`runs/${id}/events`)).until('child.waiting')
  const child = await childOf(one.rest, id)
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, n) =>
      (n % 2 === 0 ? one : two).rest.post(`runs/${n % 3 === 0 ? id : child}/respond`, {
        wait: 'address',
        value: { street: String(n) },
      }),
    ),
  )
  const taken = answers.flatMap(({ status }, n) => (status === 200 ? [String(n)] : []))
  expect(taken).toHaveLength(1)
  const events = await one.rest.events(`runs/${id}/${ALL}`)
  expect(events.at(-1)).toMatchObject({ output: { street: taken[0] } })
})

test('what a run of a conversation has started goes with the conversation, and is cancelled with an interrupted run', async ({
  createServer,
  database,
}) => {
  const parent = parentOf(async (ctx) => ({ output: (await ctx.runAgent(asking)).output }))
  const { rest } = await createServer({ agents: [parent, asking, quick] })
  const { body } = await rest.post('conversations', {})
  const place = { conversation_id: body['id'] }
  const first = await rest.create('parent', place)
  const child = await childOf(rest, first)
  await (await rest.stream(`runs/${child}/events`)).until('run.waiting')
  const next = await rest.create('parent', { ...place, conversation_policy: 'interrupt' })
  expect((await rest.events(`runs/${child}/events`)).at(-1)?.type).toBe('run.cancelled')
  const below = await childOf(rest, next)
  await (await rest.stream(`runs/${below}/events`)).until('run.waiting')
  expect((await rest.request('DELETE', `conversations/${String(body['id'])}`)).status).toBe(204)
  await expect.poll(() => database.sql('SELECT id FROM agent_runtime.run'), WITHIN).toEqual([])
  await expect.poll(() => database.sql('SELECT FROM agent_runtime.family_news'), WITHIN).toEqual([])
})
