// Runs that an agent starts together run together, however long the checks of their input take.
import { setImmediate } from 'node:timers/promises'
import { expect } from 'vitest'
import { z } from 'zod'
import { agentTool, defineAgent, toolLoop } from '../../../../server/index.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { test } from '../../../support/runtime.ts'
import { ALL, asking, parentOf } from './scene.ts'

/** The checks of several runs end in successive passes of the event loop. */
const Slowly = z.object({
  n: z.number().refine(async (n) => {
    for (let pass = 0; pass < n * 10; pass += 1) await setImmediate()
    return true
  }),
})

/** Runs that end as soon as this many of them are under way, and not before. */
function meeting(count: number) {
  const met = Promise.withResolvers<void>()
  let underWay = 0
  const agent = defineAgent({
    key: 'meeting',
    description: 'Waits for the others.',
    params: Slowly,
    output: z.number(),
    async run({ params, signal }) {
      underWay += 1
      if (underWay === count) met.resolve()
      const stopped = new Promise<never>((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason)),
      )
      await Promise.race([met.promise, stopped])
      return { output: params.n }
    },
  })
  return agent
}

test('runs started together are under way together, however long their params are checked', async ({
  createServer,
  database,
}) => {
  const agent = meeting(3)
  const parent = parentOf(async (ctx) => {
    const all = await Promise.all([0, 3, 1].map((n) => ctx.runAgent(agent, { params: { n } })))
    return { output: all.map(({ output }) => output) }
  })
  const { rest } = await createServer({ agents: [parent, agent], worker: { concurrency: 4 } })
  const events = await rest.events(`runs/${await rest.create('parent')}/${ALL}`)
  expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: [0, 3, 1] })
  expect(await database.sql('SELECT FROM agent_runtime.run WHERE depth = 1')).toHaveLength(3)
})

test('one that is detached is started beside one that is waited for', async ({ createServer }) => {
  const agent = meeting(2)
  const parent = parentOf(async (ctx) => {
    const [run, started] = await Promise.all([
      ctx.runAgent(agent, { params: { n: 0 } }),
      ctx.startAgent(agent, { params: { n: 2 }, name: 'apart' }),
    ])
    return { output: [run.output, (await started.result()).output] }
  })
  const { rest } = await createServer({ agents: [parent, agent], worker: { concurrency: 4 } })
  const events = await rest.events(`runs/${await rest.create('parent')}/${ALL}`)
  expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: [0, 2] })
})

test('calls of agents as tools of one turn go on together', async ({ createServer }) => {
  const agent = meeting(3)
  const parent = parentOf(async (ctx) => ({
    output: (await toolLoop(ctx, { tools: [agentTool(agent)] })).text,
  }))
  const call = (n: number) => ({ id: String(n), name: 'meeting', arguments: { n } })
  const model = createScriptedModel([{ toolCalls: [call(0), call(3), call(1)] }, { text: ['All met.'] }])
  const { rest } = await createServer({ agents: [parent, agent], model, worker: { concurrency: 4 } })
  const events = await rest.events(`runs/${await rest.create('parent')}/${ALL}`)
  expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: 'All met.' })
})

test('params that are refused meanwhile fail the run, and start nothing', async ({
  createServer,
  database,
}) => {
  const picky = defineAgent({
    key: 'picky',
    params: z.object({ n: Slowly.shape.n.refine(async (n) => n < 3) }),
    async run() {},
  })
  const parent = parentOf(async (ctx) => {
    await Promise.all([ctx.runAgent(asking), ctx.runAgent(picky, { params: { n: 3 } })])
    return { output: null }
  })
  const { rest } = await createServer({ agents: [parent, asking, picky] })
  const events = await rest.events(`runs/${await rest.create('parent')}/${ALL}`)
  expect(events.at(-1)).toMatchObject({ type: 'run.failed', code: 'validation_failed' })
  expect(await database.sql('SELECT FROM agent_runtime.run WHERE depth = 1')).toEqual([])
})
