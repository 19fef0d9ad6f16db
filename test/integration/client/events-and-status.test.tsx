// The view of a run that has only its events and three statuses.
import { waitFor } from '@testing-library/react'
import { expect } from 'vitest'
import { z } from 'zod'
import { eventsAndStatus } from '../../../react/index.ts'
import { defineAgent } from '../../../server/index.ts'
import { test } from '../../support/runtime.ts'
import { createHookPage } from './hook-page.tsx'

const PATIENCE = { timeout: 20_000 }

const asker = defineAgent({
  key: 'asker',
  params: z.object({ fails: z.boolean() }),
  async run(ctx) {
    await ctx.emit('assistant.message', { messageId: 'm', content: 'Well?' })
    await ctx.wait('answer', z.string())
    if (ctx.params.fails) throw new Error('It fails.')
  },
})

test('a run is `running` until it ends, then `complete` if it succeeded, else `error`', async ({
  createServer,
}) => {
  const { runtime } = await createServer({ agents: [asker] })
  const { client, hooks, show } = createHookPage(runtime)
  const create = (fails: boolean) => client.runs.create({ agentKey: 'asker', params: { fails } })
  const runs = await Promise.all([create(false), create(true), create(false)])
  const [well, badly, cancelled] = runs
  const of = (runId: string | null) => show(() => hooks.useAgentRun(runId, { select: eventsAndStatus }))
  const views = runs.map(({ id }) => of(id))
  expect(of(null).result.current).toEqual({ events: [], status: 'running' })
  for (const { result } of views) {
    await waitFor(() => expect(result.current.events.at(-1)?.type).toBe('run.waiting'), PATIENCE)
    expect(result.current.status).toBe('running')
    expect(Object.keys(result.current)).toEqual(['events', 'status'])
  }
  await Promise.all([well.respond('answer', ''), badly.respond('answer', ''), cancelled.cancel()])
  const ends = ['complete', 'error', 'error']
  for (const [index, { result }] of views.entries()) {
    await waitFor(() => expect(result.current.status).toBe(ends[index]), PATIENCE)
  }
  const none = of('01980000-0000-7000-8000-000000000000')
  await waitFor(() => expect(none.result.current.status).toBe('error'), PATIENCE)
})
