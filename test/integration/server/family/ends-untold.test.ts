import { describe, expect, vi } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import type { StartAgentOptions } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import { begin } from '../steering/scene.ts'
import { ALL, WITHIN } from './scene.ts'
import { endsIn, createScene, jobOf, nextOf, settledNext, quiet, endedChat } from './ends-told-scene.ts'

vi.setConfig({ testTimeout: 180_000 })

describe('nothing is told, and no run begins,', () => {
  test('where the run was cancelled or deleted, or the one that started it, or the conversation', async ({
    createServer,
    database,
  }) => {
    const scene = createScene()
    const { rest, id, job } = await endedChat(createServer, scene)
    const others = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const one = await rest.create('chat', begin('Index it.'))
        await rest.events(`runs/${one}/${ALL}`)
        const { body } = await rest.get(`runs/${one}`)
        return { id: one, job: await jobOf(rest, one), conversation: String(body['conversation_id']) }
      }),
    )
    const [jobDeleted, parentDeleted, conversationDeleted] = others
    await rest.post(`runs/${job}/cancel`)
    const deleted = `('${jobDeleted?.job}', '${parentDeleted?.id}')`
    await database.sql(`
      WITH events AS (DELETE FROM agent_runtime.event WHERE run_id IN ${deleted})
      DELETE FROM agent_runtime.run WHERE id IN ${deleted}`)
    expect((await rest.request('DELETE', `conversations/${conversationDeleted?.conversation}`)).status).toBe(
      204,
    )
    scene.gate.open()
    await quiet(database)
    for (const one of [id, ...others.map((other) => other.id)])
      expect(await nextOf(database, one)).toEqual([])
  })

  test('where its owner may create none: the log says so, and the conversation keeps it', async ({
    createServer,
    database,
  }) => {
    const scene = createScene()
    let isOver = false
    const quota = () => (isOver ? { retryAfterSeconds: 60 } : undefined)
    const { rest, log, id, conversation } = await endedChat(createServer, scene, { quota })
    isOver = true
    scene.gate.open()
    await expect
      .poll(() => log.map(({ message }) => message), WITHIN)
      .toContainEqual(expect.stringContaining('its owner may not create another'))
    await quiet(database)
    expect(await nextOf(database, id)).toEqual([])
    isOver = false
    const asked = await rest.create('chat', {
      conversation_id: conversation,
      messages: [{ role: 'user', content: 'And?' }],
    })
    const output = (await rest.events(`runs/${asked}/${ALL}`)).at(-1)?.['output'] as string[]
    expect(endsIn(output)).toMatchObject([{ status: 'succeeded' }])
  })
})

test('a visitor’s run that became a user’s is told as the user’s', async ({ createServer, database }) => {
  const scene = createScene()
  const server = await createServer({
    agents: scene.agents,
    anonymousSessions: true,
    authenticate: (request) => {
      const id = request.headers.get('x-user')
      return id === null ? null : { id, tenantId: '', kind: 'user' }
    },
  })
  const token = String((await server.rest.post('sessions/anonymous')).body['token'])
  const visitor = server.as({ 'x-anonymous-token': token }).rest
  const id = await visitor.create('chat', begin('Index it.'))
  await visitor.events(`runs/${id}/events`)
  expect((await server.as({ 'x-user': 'ada' }).rest.post('sessions/claim', { token })).status).toBe(200)
  scene.gate.open()
  const next = await settledNext(database, id)
  expect(await database.sql(`SELECT owner_id FROM agent_runtime.run WHERE id = '${next.id}'`)).toEqual([
    { owner_id: 'ada' },
  ])
})

describe('is refused at once', () => {
  const job = defineAgent({ key: 'job', async run() {} })
  const starting = (options: object) =>
    defineAgent({
      key: 'chat',
      maxAttempts: 1,
      async run(ctx) {
        await ctx.startAgent(job, options as StartAgentOptions<typeof job>)
      },
    })

  test.for([
    ['outside of a conversation', { onEnd: 'continue' }, { ephemeral: true }, 'in no conversation'],
    ['of another name', { onEnd: 'explode' }, begin('Go.'), 'onEnd'],
  ] as const)('what is %s', async ([, options, place, why], { createServer, database }) => {
    const { rest } = await createServer({ agents: [starting(options), job] })
    const id = await rest.create('chat', place)
    expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({
      type: 'run.failed',
      error: expect.stringContaining(why),
    })
    expect(await database.sql(`SELECT FROM agent_runtime.run WHERE agent_key = 'job'`)).toEqual([])
  })
})

test.for([
  ['maxRunDepth', { maxRunDepth: 3 }, 4],
  // Each start also takes a place for the run that follows from it.
  ['maxRunsBelow', { maxRunsBelow: 5, maxChildRuns: 5 }, 3],
] as const)(
  'runs that have one another go on come to an end, by %s',
  async ([, config, count], { createServer, database }) => {
    const job = defineAgent({ key: 'job', async run() {} })
    const chat = defineAgent({
      key: 'chat',
      maxAttempts: 1,
      async run(ctx) {
        await ctx.startAgent(job, { onEnd: 'continue' })
      },
    })
    const { rest } = await createServer({ agents: [chat, job], config })
    await rest.create('chat', begin('For ever.'))
    const chats = () =>
      database.sql(
        `SELECT status, error ->> 'code' AS code FROM agent_runtime.run WHERE agent_key = 'chat' ORDER BY ordinal`,
      )
    const succeeded = { status: 'succeeded', code: null }
    await expect
      .poll(chats, WITHIN)
      .toEqual([
        ...Array.from({ length: count - 1 }, () => succeeded),
        { status: 'failed', code: 'conflict' },
      ])
    await quiet(database)
  },
)
