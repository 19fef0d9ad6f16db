import { expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import type { Json } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const echo = defineAgent({ key: 'echo', run: async (ctx) => ({ output: { params: ctx.params ?? 'none' } }) })

test('an agent without a schema gets whatever params its caller gives', async ({ createServer }) => {
  const { rest, trpc } = await createServer({ agents: [echo] })
  const given: Json[] = [{ depth: [2, null], note: 'as it is' }, 'text', 0, false, []]
  for (const params of given) {
    const id = await rest.create('echo', { params })
    expect((await rest.events(`runs/${id}/events?include_all=1`)).at(-1)?.['output']).toEqual({ params })
  }
  const { id: runId } = await trpc.client.runs.create.mutate({ agentKey: 'echo', params: { depth: 1 } })
  await trpc.events({ runId })
  expect((await trpc.client.runs.get.query({ runId })).output).toEqual({ params: { depth: 1 } })
  const without = await rest.create('echo')
  expect((await rest.events(`runs/${without}/events?include_all=1`)).at(-1)?.['output']).toEqual({
    params: 'none',
  })
})
