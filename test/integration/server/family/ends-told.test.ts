// The next run of a conversation is told how detached runs ended, since the run above them is over.
import { describe, expect, vi } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import { begin, createGate, endSilently } from '../steering/scene.ts'
import { ALL, WITHIN } from './scene.ts'
import { heard, endsIn, createScene, nextOf, settledNext, quiet, endedChat } from './ends-told-scene.ts'

vi.setConfig({ testTimeout: 180_000 })

describe('of a detached run that ends after the one that started it', () => {
  test('the conversation’s next run is told, once, and says where it comes from', async ({
    createServer,
    database,
  }) => {
    const scene = createScene({ output: { files: 7 } })
    const { id, job } = await endedChat(createServer, scene)
    await createServer({ agents: scene.agents })
    scene.gate.open()
    const next = await settledNext(database, id)
    expect(next).toMatchObject({ agent_key: 'chat', parent_run_id: id, root_run_id: id, depth: 1 })
    expect(next.output.slice(0, 2)).toEqual(['Index it.', 'It goes on.'])
    expect(next.output).toHaveLength(3)
    expect(endsIn(next.output)).toEqual([
      { runId: job, agentKey: 'job', status: 'succeeded', result: { files: 7 } },
    ])
    await quiet(database)
    expect(await nextOf(database, id)).toHaveLength(1)
  })

  test('it is told of a failure', async ({ createServer, database }) => {
    const failing = createScene({ fails: true })
    const one = await endedChat(createServer, failing)
    failing.gate.open()
    expect(endsIn((await settledNext(database, one.id)).output)).toMatchObject([
      { runId: one.job, status: 'failed', error: { message: 'The agent failed with an unexpected error.' } },
    ])
  })

  test('it is told the beginning of a result that is too long', async ({ createServer, database }) => {
    const long = createScene({ output: 'é'.repeat(500_000) })
    const { id } = await endedChat(createServer, long)
    long.gate.open()
    const { output } = await settledNext(database, id)
    expect(endsIn(output)).toMatchObject([{ isCut: true, result: expect.stringMatching(/^"éé/) }])
    expect(output.at(-1)?.length).toBeLessThan(9_000)
  })

  test('it is told also where nobody had time to say a word: of all that ended, in one run', async ({
    createServer,
    database,
  }) => {
    const job = defineAgent({ key: 'job', async run() {} })
    const chat = defineAgent({
      key: 'chat',
      async run(ctx) {
        const all = Array.from({ length: 3 }, () => ctx.startAgent(job, { onEnd: 'continue' }))
        if (ctx.messages.length === 1) await Promise.all(all)
        return { output: heard(ctx) }
      },
    })
    // A worker for the chat only, so nobody executes the jobs.
    const { rest } = await createServer({ agents: [chat, job], worker: { agentKeys: ['chat'] } })
    const id = await rest.create('chat', begin('Index it.'))
    await rest.events(`runs/${id}/${ALL}`)
    const jobs = (await database.sql(
      `SELECT id FROM agent_runtime.run WHERE agent_key = 'job' ORDER BY id LIMIT 3`,
    )) as { id: string }[]
    expect(jobs).toHaveLength(3)
    await endSilently(database, ...jobs.map((one) => one.id))
    const next = await settledNext(database, id)
    expect(endsIn(next.output)).toMatchObject(jobs.map((one) => ({ runId: one.id, result: '' })))
  })

  test('it is told of more than fits one look', async ({ createServer, database }) => {
    const job = defineAgent({ key: 'job', async run() {} })
    const gate = createGate()
    const chat = defineAgent({
      key: 'chat',
      async run(ctx) {
        if (endsIn(heard(ctx)).length > 0) return { output: heard(ctx) }
        await Promise.all(Array.from({ length: 250 }, () => ctx.startAgent(job, { onEnd: 'continue' })))
        await gate.pass()
        return { output: [] }
      },
    })
    const { rest } = await createServer({
      agents: [chat, job],
      worker: { agentKeys: ['chat'] },
      config: { maxChildRuns: 300 },
    })
    const id = await rest.create('chat', begin('Index it.'))
    await gate.come
    const jobs = (await database.sql(
      `SELECT id FROM agent_runtime.run WHERE agent_key = 'job' ORDER BY id`,
    )) as {
      id: string
    }[]
    await endSilently(database, ...jobs.map((one) => one.id))
    gate.open()
    await rest.events(`runs/${id}/${ALL}`)
    await quiet(database)
    const told = await database.sql(
      `SELECT substr(key, 7) AS id FROM agent_runtime.sent_message WHERE next_run_id IS NOT NULL ORDER BY key`,
    )
    expect(told).toEqual(jobs)
    const heardOf = (await nextOf(database, id)).at(-1)?.output ?? []
    expect(endsIn(heardOf)).toHaveLength(250)
  })

  test('it comes on the branch that is chosen', async ({ createServer, database }) => {
    const scene = createScene()
    const { rest, id, conversation } = await endedChat(createServer, scene)
    const { messages } = (await rest.get(`conversations/${conversation}`)).body as {
      messages: { id: string }[]
    }
    const note = defineAgent({ key: 'note', async run() {} })
    const other = await createServer({ agents: [...scene.agents, note] })
    const edit = await other.rest.create('note', {
      conversation_id: conversation,
      replaces: messages[0]?.id,
      messages: [{ role: 'user', content: 'Never mind.' }],
    })
    await other.rest.events(`runs/${edit}/events`)
    scene.gate.open()
    const { output } = await settledNext(database, id)
    expect(output).toEqual(['Never mind.', expect.stringContaining('has succeeded')])
  })

  test('it comes after the runs that exist', async ({ createServer, database }) => {
    const scene = createScene()
    const { rest, id, conversation } = await endedChat(createServer, scene)
    const held = createGate()
    const slow = defineAgent({
      key: 'slow',
      async run(ctx) {
        await held.pass()
        return { output: heard(ctx) }
      },
    })
    const agents = [...scene.agents, slow]
    const other = await createServer({ agents })
    const ask = (content: string) => ({
      conversation_id: conversation,
      messages: [{ role: 'user', content }],
    })
    const running = await other.rest.create('slow', ask('Running.'))
    await held.come
    const waiting = await other.rest.create('slow', ask('Waiting.'))
    scene.gate.open()
    await expect.poll(() => nextOf(database, id), WITHIN).toMatchObject([{ status: 'queued' }])
    held.open()
    const next = await settledNext(database, id)
    expect(next.output.slice(2, 4)).toEqual(['Running.', 'Waiting.'])
    const order = await database.sql(
      'SELECT id FROM agent_runtime.run WHERE conversation_id IS NOT NULL ORDER BY ordinal',
    )
    expect(order).toEqual([id, running, waiting, next.id].map((one) => ({ id: one })))
    expect((await rest.get(`conversations/${conversation}`)).body['total_messages']).toBe(6)
  })

  test('it is told where the other run ended first, and was asked about by nobody', async ({
    createServer,
    database,
  }) => {
    const job = defineAgent({
      key: 'job',
      run: async () => ({ messages: [{ role: 'assistant', content: 'Done.' }] }),
    })
    const over = () =>
      database.sql(`SELECT FROM agent_runtime.run WHERE agent_key = 'job' AND finished_at IS NOT NULL`)
    const chat = (key: string, asks: boolean) =>
      defineAgent({
        key,
        async run(ctx) {
          if (ctx.messages.length > 1) return { output: heard(ctx) }
          const started = await ctx.startAgent(job, { onEnd: 'continue' })
          await ctx.step('over', async () => {
            await expect.poll(over, WITHIN).not.toEqual([])
            return null
          })
          if (asks) await started.result()
          return { output: [] }
        },
      })
    const agents = [chat('asking', true), chat('deaf', false), job]
    const { rest } = await createServer({ agents })
    const asking = await rest.create('asking', begin('Go.'))
    await rest.events(`runs/${asking}/${ALL}`)
    await quiet(database)
    const deaf = await rest.create('deaf', begin('Go.'))
    const next = await settledNext(database, deaf)
    expect(endsIn(next.output)).toMatchObject([{ status: 'succeeded', result: 'Done.' }])
    await quiet(database)
    expect(await nextOf(database, asking)).toEqual([])
  })

  test('it is told with what people said to that one, in the order in which it came', async ({
    createServer,
    database,
  }) => {
    const scene = createScene()
    const held = createGate()
    const chat = defineAgent({
      key: 'chat',
      async run(ctx) {
        if (ctx.messages.length > 1) return { output: heard(ctx) }
        await ctx.startAgent(scene.job, { onEnd: 'continue' })
        await held.pass()
        return { output: [] }
      },
    })
    const { rest } = await createServer({ agents: [chat, scene.job] })
    const id = await rest.create('chat', begin('Index it.'))
    await held.come
    await rest.post(`runs/${id}/messages`, { message: 'Hurry.' })
    scene.gate.open()
    const over = `SELECT FROM agent_runtime.wait WHERE kind = 'child' AND status = 'answered'`
    await expect.poll(() => database.sql(over), WITHIN).toHaveLength(1)
    held.open()
    const next = await settledNext(database, id)
    expect(next.output).toEqual(['Index it.', 'Hurry.', expect.stringContaining('has succeeded')])
    await quiet(database)
    expect(await nextOf(database, id)).toHaveLength(1)
  })

  test('it is told however that one ended', async ({ createServer, database }) => {
    const gate = createGate()
    const job = defineAgent({ key: 'job', run: () => gate.pass() })
    const chat = defineAgent({
      key: 'chat',
      maxAttempts: 1,
      async run(ctx) {
        if (endsIn(heard(ctx)).length > 0) return { output: heard(ctx) }
        await ctx.startAgent(job, { onEnd: 'continue' })
        if (heard(ctx).at(-1) === 'Fail.') throw new Error('It fails.')
        await ctx.wait('go', z.boolean())
        return { output: [] }
      },
    })
    const { rest } = await createServer({ agents: [chat, job] })
    const [failed, cancelled] = [
      await rest.create('chat', begin('Fail.')),
      await rest.create('chat', begin('Wait.')),
    ]
    await rest.events(`runs/${failed}/${ALL}`)
    const stream = await rest.stream(`runs/${cancelled}/${ALL}`)
    await stream.until('run.waiting')
    await stream.close()
    await rest.post(`runs/${cancelled}/cancel`)
    gate.open()
    for (const id of [failed, cancelled]) {
      expect(endsIn((await settledNext(database, id)).output)).toMatchObject([{ status: 'succeeded' }])
    }
  })
})
