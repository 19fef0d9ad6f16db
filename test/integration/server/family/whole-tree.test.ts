// The bound of all runs below one, at any depth, whichever run starts them.
import { expect } from 'vitest'
import { z } from 'zod'
import { AgentRuntimeError, defineAgent } from '../../../../server/index.ts'
import type { AgentContext } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import { ALL, parentOf } from './scene.ts'

const leaf = defineAgent({ key: 'leaf', async run() {} })

/** Starts this many at once, and reports those that were refused. */
async function startAll(ctx: AgentContext, count: number): Promise<string[]> {
  const outcomes = await Promise.allSettled(
    Array.from({ length: count }, (_, n) => ctx.runAgent(leaf, { name: `leaf-${n}` })),
  )
  return outcomes.flatMap((outcome) => {
    if (outcome.status === 'fulfilled') return []
    const error: unknown = outcome.reason
    if (!(error instanceof AgentRuntimeError)) throw error
    return [`${error.code}: ${error.message}`]
  })
}

test('so many runs are below one, and no more, also where many start some at once on two servers', async ({
  createServer,
  database,
}) => {
  const branch = defineAgent({
    key: 'branch',
    output: z.array(z.string()),
    run: async (ctx) => ({ output: await startAll(ctx, 10) }),
  })
  const parent = parentOf(async (ctx) => {
    const all = await Promise.all(Array.from({ length: 4 }, () => ctx.runAgent(branch)))
    return { output: all.flatMap(({ output }) => output) }
  })
  const settings = { agents: [parent, branch, leaf], config: { maxChildRuns: 20, maxRunsBelow: 20 } }
  const { rest } = await createServer(settings)
  await createServer(settings)
  const ids = await Promise.all([rest.create('parent'), rest.create('parent')])
  for (const id of ids) {
    const events = await rest.events(`runs/${id}/${ALL}`)
    const refused = 'conflict: Below one run there may be 20 others, and no more.'
    expect(events.at(-1)).toMatchObject({
      type: 'run.succeeded',
      output: Array.from({ length: 44 - 20 }, () => refused),
    })
    expect(await database.sql('SELECT FROM agent_runtime.run WHERE root_run_id = $1', [id])).toHaveLength(20)
  }
  // The next attempts asked for the same runs again, and took no other place.
  expect(await database.sql('SELECT DISTINCT runs_below FROM agent_runtime.run WHERE depth IS NULL')).toEqual(
    [{ runs_below: 20 }],
  )
})

test('a detached run, whose family is deleted but for it, may start so many', async ({
  createServer,
  database,
}) => {
  const release = Promise.withResolvers<void>()
  const branch = defineAgent({
    key: 'branch',
    output: z.array(z.string()),
    async run(ctx) {
      await release.promise
      return { output: await startAll(ctx, 4) }
    },
  })
  const parent = parentOf(async (ctx) => ({ output: (await ctx.startAgent(branch)).runId }))
  const { rest } = await createServer({
    agents: [parent, branch, leaf],
    config: { maxChildRuns: 3, maxRunsBelow: 3 },
  })
  const id = await rest.create('parent')
  const events = await rest.events(`runs/${id}/${ALL}`)
  const child = String(Object(events.at(-1))['output'])
  expect((await rest.request('DELETE', `runs/${id}`)).status).toBe(204)
  release.resolve()
  expect((await rest.events(`runs/${child}/${ALL}`)).at(-1)).toMatchObject({
    output: [expect.stringContaining('conflict: ')],
  })
  expect(await database.sql('SELECT FROM agent_runtime.run WHERE parent_run_id = $1', [child])).toHaveLength(
    3,
  )
})

test('attempts that fail before their runs are stored take the places of the next ones', async ({
  createServer,
  database,
}) => {
  let isRefused = true
  /** Refuses once the run beside it has a place. */
  async function isTaken() {
    const taken = () => database.sql('SELECT FROM agent_runtime.run WHERE runs_below > 1')
    await expect.poll(taken).toHaveLength(1)
    return !isRefused
  }
  const late = defineAgent({
    key: 'late',
    params: z.object({ n: z.number().refine(isTaken) }),
    async run() {},
  })
  const parent = parentOf(async (ctx) => {
    isRefused = ctx.attempt < 3
    const { runId } = await ctx.startAgent(leaf, { name: 'stored' })
    const others = [ctx.runAgent(leaf), ctx.runAgent(late, { params: { n: 1 } })]
    await Promise.all(others).catch((error: unknown) => {
      throw isRefused ? new Error('Again.') : error
    })
    return { output: runId }
  })
  const { rest } = await createServer({
    agents: [parent, late, leaf],
    config: { maxAttempts: 3, maxChildRuns: 3, maxRunsBelow: 3 },
  })
  const id = await rest.create('parent')
  expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
  expect(await database.sql('SELECT FROM agent_runtime.run WHERE root_run_id = $1', [id])).toHaveLength(3)
  expect(await database.sql('SELECT runs_below FROM agent_runtime.run WHERE id = $1', [id])).toEqual([
    { runs_below: 3 },
  ])
})
