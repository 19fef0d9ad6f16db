// Answers to the waits of runs below, sent to a run above them.
import { expect } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import { ALL, asking, parentOf } from './scene.ts'

const answer = (street: string) => ({ wait: 'address', value: { street } })

/** The runs below that wait, once the run's stream has told of this many. */
async function waitingBelow(rest: RestClient, id: string, count: number): Promise<string[]> {
  const stream = await rest.stream(`runs/${id}/events`)
  for (let told = 0; told < count; told += 1) await stream.until('child.waiting')
  await stream.close()
  const { waits } = (await rest.get(`runs/${id}`)).body as { waits: { name: string; run_id?: string }[] }
  return waits.flatMap(({ name, run_id: runId }) =>
    name === 'address' && runId !== undefined ? [runId] : [],
  )
}

test('of two that wait for the same, neither is answered without being named', async ({ createServer }) => {
  const parent = parentOf(async (ctx) => {
    const both = await Promise.all([ctx.runAgent(asking), ctx.runAgent(asking)])
    return { output: both.map(({ output }) => output.street) }
  })
  const { rest, trpc } = await createServer({ agents: [parent, asking] })
  const id = await rest.create('parent')
  const below = await waitingBelow(rest, id, 2)
  expect((await rest.post(`runs/${id}/respond`, answer('A St'))).status).toBe(409)
  await expect(trpc.client.runs.respond.mutate({ runId: id, ...answer('A St') })).rejects.toMatchObject({
    data: { error: { code: 'conflict', details: { runIds: below.toSorted() } } },
  })
  expect((await rest.post(`runs/${below[0]}/respond`, answer('A St'))).status).toBe(200)
  // One wait is left, but an answer sent to the run above may have meant the other one.
  expect((await rest.post(`runs/${id}/respond`, answer('A St'))).status).toBe(409)
  expect((await rest.post(`runs/${below[1]}/respond`, answer('B St'))).status).toBe(200)
  const events = await rest.events(`runs/${id}/${ALL}`)
  expect(z.array(z.string()).parse(events.at(-1)?.['output']).toSorted()).toEqual(['A St', 'B St'])
})

test('of two that one run below waits for, an occurrence tells which is meant', async ({ createServer }) => {
  const twice = defineAgent({
    key: 'twice',
    output: z.json(),
    async run(ctx) {
      const address = () => ctx.wait('address', z.object({ street: z.string() }))
      const both = await Promise.all([address(), address()])
      return { output: both.map(({ value }) => value.street) }
    },
  })
  const parent = parentOf(async (ctx) => ({ output: (await ctx.runAgent(twice)).output }))
  const { rest } = await createServer({ agents: [parent, twice] })
  const id = await rest.create('parent')
  await waitingBelow(rest, id, 1)
  const over = async (more: object) => (await rest.post(`runs/${id}/respond`, more)).status
  expect(await over(answer('A St'))).toBe(409)
  expect(await over({ ...answer('B St'), occurrence: 2 })).toBe(200)
  expect(await over({ ...answer('B St'), occurrence: 2 })).toBe(409)
  expect(await over({ ...answer('A St'), occurrence: 1 })).toBe(200)
  expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ output: ['A St', 'B St'] })
})

test('an answer that is sent again answers nothing else', async ({ createServer }) => {
  const parent = parentOf(async (ctx) => {
    const first = await ctx.runAgent(asking)
    const second = await ctx.runAgent(asking)
    return { output: [first.output.street, second.output.street] }
  })
  const { rest } = await createServer({ agents: [parent, asking] })
  const id = await rest.create('parent')
  const [first] = await waitingBelow(rest, id, 1)
  expect((await rest.post(`runs/${id}/respond`, answer('A St'))).status).toBe(200)
  expect((await rest.events(`runs/${first}/events`)).at(-1)?.type).toBe('run.succeeded')
  const stream = await rest.stream(`runs/${id}/events`)
  let second = ''
  while (second === '') {
    const told = (await stream.until('child.waiting')).at(-1)
    const { child_run_id: runId, waits } = z
      .object({ child_run_id: z.string(), waits: z.array(z.unknown()) })
      .parse(told)
    if (runId !== first && waits.length > 0) second = runId
  }
  await stream.close()
  expect((await rest.post(`runs/${id}/respond`, answer('A St'))).status).toBe(409)
  expect((await rest.post(`runs/${second}/respond`, answer('B St'))).status).toBe(200)
  expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ output: ['A St', 'B St'] })
  expect((await rest.post(`runs/${id}/respond`, answer('A St'))).status).toBe(409)
})

test('an answer to the run itself does not reach one below it', async ({ createServer }) => {
  const parent = parentOf(async (ctx) => {
    const [below, own] = await Promise.all([
      ctx.runAgent(asking),
      ctx.wait('address', z.object({ street: z.string() })),
    ])
    return { output: [below.output.street, own.value.street] }
  })
  const { rest } = await createServer({ agents: [parent, asking] })
  const id = await rest.create('parent')
  const [child] = await waitingBelow(rest, id, 1)
  expect((await rest.post(`runs/${id}/respond`, answer('Own St'))).status).toBe(200)
  expect((await rest.post(`runs/${id}/respond`, answer('Own St'))).status).toBe(409)
  expect((await rest.post(`runs/${child}/respond`, answer('Below St'))).status).toBe(200)
  expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ output: ['Below St', 'Own St'] })
})
