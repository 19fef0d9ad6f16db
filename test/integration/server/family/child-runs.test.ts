import { describe, expect } from 'vitest'
import { z } from 'zod'
import { ChildRunError, defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import { ALL, parentOf } from './scene.ts'

const double = defineAgent({
  key: 'double',
  params: z.object({ n: z.number() }),
  output: z.object({ n: z.number() }),
  async run({ params }) {
    return { output: { n: params.n * 2 }, messages: [{ role: 'assistant', content: `${params.n * 2}` }] }
  },
})

describe('a run that an agent has another agent do', () => {
  test('is a run of its own, whose result the parent goes on with, in one slot', async ({ createServer }) => {
    const parent = parentOf(async (ctx) => {
      const { output, text, runId } = await ctx.runAgent(double, { params: { n: 4 } })
      return { output: { n: output.n, text, runId } }
    })
    const { rest } = await createServer({ agents: [parent, double], worker: { concurrency: 1 } })
    const id = await rest.create('parent')
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.map(({ type, attempt }) => [type, attempt])).toEqual([
      ['run.started', 1],
      ['child.started', 1],
      ['run.waiting', 1],
      ['child.ended', 1],
      ['run.resumed', 1],
      ['run.started', 2],
      ['run.succeeded', 2],
    ])
    const childId = String(events[1]?.['child_run_id'])
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      output: { final_output: { n: 8, text: '8', runId: childId } },
    })
    const child = await rest.events(`runs/${childId}/${ALL}`)
    expect(child.map(({ type }) => type)).toEqual(['run.started', 'run.succeeded'])
  })

  test('goes on beside others, and each is started once', async ({ createServer, database }) => {
    const parent = parentOf(async (ctx) => {
      const all = await Promise.all([1, 2, 3].map((n) => ctx.runAgent(double, { params: { n } })))
      const again = await ctx.runAgent(double, { params: { n: 4 } })
      return { output: [...all, again].map(({ output }) => output.n) }
    })
    const { rest } = await createServer({ agents: [parent, double], worker: { concurrency: 1 } })
    const id = await rest.create('parent')
    await rest.events(`runs/${id}/events`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({ output: { final_output: [2, 4, 6, 8] } })
    expect(
      await database.sql(
        'SELECT parent_run_id AS of, root_run_id AS root, depth FROM agent_runtime.run WHERE depth > 0',
      ),
    ).toEqual(Array.from({ length: 4 }, () => ({ of: id, root: id, depth: 1 })))
  })

  test('that fails is an error in the parent', async ({ createServer }) => {
    const failing = defineAgent({
      key: 'failing',
      async run() {
        throw new Error('secret')
      },
    })
    const caught = parentOf(async (ctx) => {
      try {
        await ctx.runAgent(failing)
      } catch (error) {
        if (!(error instanceof ChildRunError)) throw error
        return { output: { status: error.status, code: error.runError?.code ?? null } }
      }
      return { output: null }
    })
    const uncaught = defineAgent({
      key: 'uncaught',
      maxAttempts: 3,
      async run(ctx) {
        await ctx.runAgent(failing)
      },
    })
    const { rest } = await createServer({ agents: [caught, uncaught, failing] })
    const id = await rest.create('parent')
    await rest.events(`runs/${id}/events`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      output: { final_output: { status: 'failed', code: 'agent_error' } },
    })
    const other = await rest.create('uncaught')
    const events = await rest.events(`runs/${other}/events`)
    expect(events.at(-1)).toMatchObject({
      type: 'run.failed',
      code: 'child_failed',
      details: { agentKey: 'failing', status: 'failed', code: 'agent_error' },
    })
  })
})
