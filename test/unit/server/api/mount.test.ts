import { initTRPC } from '@trpc/server'
import { expect, test } from 'vitest'
import { createAgentRuntime, defineAgent } from '../../../../server/index.ts'
import type { Principal } from '../../../../server/index.ts'

test('the router mounts in the router of an app whose context has a principal', async () => {
  const chat = defineAgent({ key: 'chat', async run() {} })
  const runtime = createAgentRuntime({ agents: [chat] })
  const t = initTRPC.context<{ principal: Principal; locale: string }>().create()
  const app = t.router({ agents: runtime.router, hello: t.procedure.query(({ ctx }) => ctx.locale) })
  const caller = app.createCaller({ principal: { id: 'ann', tenantId: '', kind: 'user' }, locale: 'en' })
  expect(await caller.hello()).toBe('en')
  await expect(
    // @ts-expect-error there is no such agent, and it is known before the database is asked
    caller.agents.runs.create({ agentKey: 'chatt' }),
  ).rejects.toMatchObject({ code: 'BAD_REQUEST', message: 'There is no agent "chatt".' })
  await runtime.stop()
})
