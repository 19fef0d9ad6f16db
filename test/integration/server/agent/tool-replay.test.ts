// Calls and steps whose process died in the middle.
import { describe, expect, vi } from 'vitest'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { defineAgent, StepInterruptedError, toolLoop } from '../../../../server/index.ts'
import type { Json, ToolReplay } from '../../../../server/index.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'
import type { CreateServer, Sql } from '../../../support/runtime.ts'
import { expireLease } from '../../../support/takeover.ts'
import { config, agentOf, call, toolOf, DEBUG } from './tool-scene.ts'
import type { Waiting } from './tool-scene.ts'

describe('a call whose process died in the middle of it', () => {
  async function interrupted(
    { createServer, database }: { createServer: CreateServer; database: { sql: Sql } },
    replay: ToolReplay | undefined,
  ) {
    const keys: string[] = []
    const begun = [0, 1, 2].map(() => Promise.withResolvers<void>())
    const tool = toolOf(
      ({ idempotencyKey, attempt }) => {
        keys.push(idempotencyKey.split('/').slice(1).join('/'))
        begun[keys.length - 1]?.resolve()
        return attempt === 1 ? new Promise<Json>(() => {}) : 'done'
      },
      replay === undefined ? {} : { replay },
    )
    const model = createScriptedModel([call('act', { n: 1 }), { text: 'Well.' }])
    const server = await createServer({ agents: [agentOf([tool])], model, config })
    const id = await server.rest.create('agent')
    await begun[0]?.promise
    await expireLease(database.sql, id)
    return { ...server, id, keys, begun, model }
  }

  test.for(['safe', 'keyed', undefined] as const)(
    'is run again where its replay is %s, with the same key',
    async (replay, { createServer, database }) => {
      const { rest, id, keys } = await interrupted({ createServer, database }, replay)
      expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
      expect(keys).toEqual(['tool:act/1', 'tool:act/1'])
    },
  )

  const waitsOf = async (rest: RestClient, id: string) =>
    (await rest.get(`runs/${id}`)).body['waits'] as Waiting[]

  test('is asked about where its replay is ask: once somebody agrees it is run again', async ({
    createServer,
    database,
  }) => {
    const { rest, id, keys } = await interrupted({ createServer, database }, 'ask')
    await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    const [wait] = await waitsOf(rest, id)
    expect(wait).toMatchObject({
      kind: 'approval',
      details: { tool: 'act', arguments: { n: 1 }, interruptedIn: 1 },
    })
    expect(keys).toHaveLength(1)
    const { name, details } = wait as Waiting
    await rest.post(`runs/${id}/respond`, { wait: name, value: { approved: true, hash: details.hash } })
    expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
    expect(keys).toHaveLength(2)
  })

  test('is not run again where somebody says no, and the model is told', async ({
    createServer,
    database,
  }) => {
    const { rest, id, keys, model } = await interrupted({ createServer, database }, 'ask')
    await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    const [{ name, details } = {} as Waiting] = await waitsOf(rest, id)
    await rest.post(`runs/${id}/respond`, {
      wait: name,
      value: { approved: false, hash: details.hash, comment: 'It was paid.' },
    })
    expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
    expect(keys).toHaveLength(1)
    expect(model.requests.at(-1)?.messages.at(-1)).toMatchObject({
      content: JSON.stringify({
        error:
          'The call was interrupted: it may have been done, or not. To run it again was denied. It was paid.',
      }),
    })
  })

  test('is asked about each time, and for each of two alike by itself', async ({ createServer }) => {
    const keys: string[] = []
    // The first tries of both fail, and then the second of the first.
    const crash = Promise.withResolvers<never>()
    const crashAgain = Promise.withResolvers<never>()
    const tool = toolOf(
      ({ idempotencyKey }) => {
        keys.push(idempotencyKey)
        if (keys.length === 2) crash.reject(new Error('crash'))
        if (keys.length === 3) crashAgain.reject(new Error('crash'))
        return keys.length < 4 ? new Promise<Json>(() => {}) : 'done'
      },
      { replay: 'ask' },
    )
    const agent = defineAgent({
      key: 'agent',
      async run(ctx) {
        const crashes = keys.length === 0 ? [crash.promise] : keys.length === 2 ? [crashAgain.promise] : []
        await Promise.race([toolLoop(ctx, { tools: [tool] }), ...crashes])
      },
    })
    const act = { name: 'act', arguments: { n: 1 } }
    const model = createScriptedModel([{ toolCalls: [act, act] }, { text: 'Well.' }])
    const { rest } = await createServer({ agents: [agent], model, config })
    const id = await rest.create('agent')
    const answer = async ({ name, details }: Waiting, approved: boolean) =>
      rest.post(`runs/${id}/respond`, { wait: name, value: { approved, hash: details.hash } })
    await vi.waitFor(async () => expect(await waitsOf(rest, id)).toHaveLength(2))
    const { body } = await rest.get(`runs/${id}/${DEBUG}`)
    const told = body['results'] as { type: string; payload: { tool_call_id: string } }[]
    const callIds = told.filter(({ type }) => type === 'tool.call').map(({ payload }) => payload.tool_call_id)
    const waits = await waitsOf(rest, id)
    const [first, second] = callIds.map((callId) => waits.find((wait) => wait.details.toolCallId === callId))
    if (first === undefined || second === undefined) throw new Error('each call has its own wait')
    await answer(first, true)
    await answer(second, false)
    await vi.waitFor(async () => expect(await waitsOf(rest, id)).toHaveLength(1))
    const [third] = (await waitsOf(rest, id)) as [Waiting]
    expect(third.details.toolCallId).toBe(first.details.toolCallId)
    expect(third.details.interruptedIn).toBeGreaterThan(1)
    await answer(third, true)
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    expect(events.filter(({ type }) => type === 'tool.result').map((event) => event['result'])).toEqual([
      'done',
      { error: 'The call was interrupted: it may have been done, or not. To run it again was denied.' },
    ])
    expect(keys.slice(0, 2).toSorted()).toEqual([`${id}/tool:act/1`, `${id}/tool:act/2`])
    expect(keys.slice(2)).toEqual([`${id}/tool:act/1`, `${id}/tool:act/1`])
  })
})

describe('a step that is done at most once', () => {
  test('is not done again, which the agent may catch', async ({ createServer, database }) => {
    const begun = Promise.withResolvers<void>()
    let times = 0
    const agent = defineAgent({
      key: 'agent',
      async run(ctx) {
        try {
          await ctx.step(
            'pay',
            () => {
              times += 1
              begun.resolve()
              return new Promise(() => {})
            },
            { atMostOnce: true },
          )
        } catch (error) {
          if (!(error instanceof StepInterruptedError)) throw error
          return { output: `begun in attempt ${error.attempt}` }
        }
        return { output: 'paid' }
      },
    })
    const { rest } = await createServer({ agents: [agent], config })
    const id = await rest.create('agent')
    await begun.promise
    await expireLease(database.sql, id)
    await rest.events(`runs/${id}/events`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      output: { final_output: 'begun in attempt 1' },
    })
    expect(times).toBe(1)
  })

  test('that ended gives its result to later attempts', async ({ createServer }) => {
    let times = 0
    const agent = defineAgent({
      key: 'agent',
      async run(ctx) {
        const result = await ctx.step('pay', () => (times += 1), { atMostOnce: true })
        if (ctx.attempt < 3) throw new Error('crash')
        return { output: result }
      },
    })
    const { rest } = await createServer({ agents: [agent], config })
    const id = await rest.create('agent')
    const events = await rest.events(`runs/${id}/events?include_all=1`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: 1 })
    expect(events.filter(({ type }) => type === 'step.completed')).toHaveLength(1)
  })
})
