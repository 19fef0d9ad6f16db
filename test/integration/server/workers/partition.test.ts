import { expect } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import { startCuttingProxy } from '../../../support/cutting-proxy.ts'
import { test } from '../../../support/runtime.ts'

test('a worker cut off from the database loses its run to another, and adds nothing to it when it is back', async ({
  createServer,
  database,
}) => {
  const url = new URL(database.url)
  await using proxy = await startCuttingProxy(Number(url.port))
  url.port = new URL(proxy.url).port
  const config = { leaseTtlSeconds: 10, maxAttempts: 2, queuePollIntervalSeconds: 0.2 }

  const lost = Promise.withResolvers<unknown>()
  const isCut = Promise.withResolvers<void>()
  const agent = defineAgent({
    key: 'agent',
    events: { said: { schema: z.string() } },
    async run(ctx) {
      await ctx.emit('said', `attempt ${ctx.attempt}`)
      if (ctx.attempt > 1) return { output: 'done by another' }
      ctx.signal.addEventListener('abort', () => lost.resolve(ctx.signal.reason))
      await isCut.promise
      await ctx.emit('said', 'while cut off')
      await lost.promise
      return { output: 'too late' }
    },
  })

  const cutOff = await createServer({ agents: [agent], config: { ...config, databaseUrl: url.href } })
  const id = await cutOff.rest.create('agent')
  const stream = await cutOff.rest.stream(`runs/${id}/events`)
  expect((await stream.until('said')).at(-1)).toMatchObject({ payload: 'attempt 1' })
  proxy.refuse(true)
  proxy.cut()
  isCut.resolve()

  const other = await createServer({ agents: [agent], config })
  const events = await other.rest.events(`runs/${id}/events`)
  expect(events.filter(({ type }) => type === 'said')).toMatchObject([
    { payload: 'attempt 1', attempt: 1 },
    { payload: 'attempt 2', attempt: 2 },
  ])
  const over = (await other.rest.get(`runs/${id}`)).body
  expect(over).toMatchObject({ status: 'succeeded', attempt: 2, output: { final_output: 'done by another' } })

  proxy.refuse(false)
  expect(await lost.promise).toMatchObject({ kind: 'lost' })
  // After its end, it has had its chance.
  await cutOff.runtime.stop()
  expect((await other.rest.get(`runs/${id}`)).body).toEqual(over)
})
