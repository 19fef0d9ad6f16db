// Schedules through the client.
import { expect } from 'vitest'
import { createAgentClient } from '../../../client/index.ts'
import { defineAgent } from '../../../server/index.ts'
import type { AgentRuntime, ShapeOfAgent } from '../../../server/index.ts'
import { hostRuntimes } from '../../support/node-host.ts'
import { test } from '../../support/runtime.ts'

const echo = defineAgent({ key: 'echo', run: async () => ({ output: 'done' }) })
type Runtime = AgentRuntime<ShapeOfAgent<typeof echo>>

test('schedules are created, listed, paused, resumed, run and deleted', async ({ createServer }) => {
  const { runtime } = await createServer({ agents: [echo] })
  await using host = await hostRuntimes(runtime)
  const { schedules } = createAgentClient<Runtime>({ url: `${host.url}/trpc`, transport: 'sse' })
  const schedule = await schedules.create({ agentKey: 'echo', everySeconds: 3_600, name: 'Hourly' })
  expect(schedule).toMatchObject({ name: 'Hourly', everySeconds: 3_600, cron: null, pausedAt: null })
  expect((await schedules.list({ agentKey: 'echo' })).items).toEqual([schedule])
  expect(await schedules.pause(schedule.id)).toMatchObject({ nextAt: null })
  expect(await schedules.resume(schedule.id)).toMatchObject({ pausedAt: null, nextAt: schedule.nextAt })
  const run = await schedules.runNow(schedule.id)
  expect(await run.result()).toBe('done')
  await schedules.delete(schedule.id)
  await expect(schedules.get(schedule.id)).rejects.toMatchObject({ code: 'not_found' })
  await expect(schedules.create({ agentKey: 'echo', everySeconds: 1 })).rejects.toMatchObject({
    code: 'validation_failed',
  })
})
