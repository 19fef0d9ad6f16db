import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineAgent, ownersOnly } from '../../../../server/index.ts'
import type { AnyRunEvent, AuthorizeQuestion } from '../../../../server/index.ts'
import type { RestEvent } from '../../../support/rest-client.ts'
import type { TestServer } from '../../../support/runtime.ts'
import { test } from '../../../support/runtime.ts'

/** Emits one event of each kind. The last one waits for the test. */
function createEmitter() {
  const half = Promise.withResolvers<void>()
  const agent = defineAgent({
    key: 'emitter',
    events: {
      open: { schema: z.null() },
      quiet: { schema: z.null(), visibility: 'internal' },
      technical: { schema: z.null(), visibility: 'debug' },
    },
    async run(ctx) {
      await ctx.emit('open', null)
      await ctx.emit('technical', null)
      await ctx.emit('quiet', null)
      await half.promise
      await ctx.emit('open', null, { visibility: 'internal' })
      await ctx.emit('quiet', null, { visibility: 'user' })
      await ctx.emit('technical', null, { visibility: 'user' })
      await ctx.emit('tool.call', { toolCallId: '1', tool: 't', arguments: {} })
      await ctx.checkpoint({ step: 1 })
    },
  })
  return { agent, goOn: () => half.resolve() }
}

/**
 * By seq: 1 is run.started, 9 the checkpoint, 10 run.succeeded. Everybody is told of the first and the last.
 */
const USER = [1, 2, 6, 7, 10]
const DEBUG = [1, 2, 3, 6, 7, 8, 10]
const ALL = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

const seqs = (events: readonly (RestEvent | AnyRunEvent)[]) => events.map(({ seq }) => seq)

/** The same question over both transports, live or not. */
function ask(
  server: Pick<TestServer, 'rest' | 'trpc'>,
  id: string,
  filter: { debug?: boolean; all?: boolean },
) {
  const query = `${filter.debug ? 'include_debug=true&' : ''}${filter.all ? 'include_all=true' : ''}`
  return Promise.all([
    server.rest.events(`runs/${id}/events/stream?${query}`),
    server.rest.events(`runs/${id}/events?${query}`),
    server.trpc.events({ runId: id, includeDebug: filter.debug ?? false, includeAll: filter.all ?? false }),
  ]).then((answers) => answers.map(seqs))
}

const FILTERS = [
  { filter: {}, sees: USER },
  { filter: { debug: true }, sees: DEBUG },
  { filter: { all: true }, sees: ALL },
  { filter: { debug: true, all: true }, sees: ALL },
]

describe('a reader sees what is for such a reader', () => {
  test('live, replayed, and as JSON, over both transports', async ({ createServer }) => {
    const { agent, goOn } = createEmitter()
    const server = await createServer({ agents: [agent] })
    const id = await server.rest.create('emitter')
    await (await server.rest.stream(`runs/${id}/events?include_all=1`)).until('quiet')
    const live = Promise.all(FILTERS.map(({ filter }) => ask(server, id, filter)))
    goOn()
    const expected = FILTERS.map(({ sees }) => [sees, sees, sees])
    expect(await live).toEqual(expected)
    expect(await Promise.all(FILTERS.map(({ filter }) => ask(server, id, filter)))).toEqual(expected)
    for (const { filter, sees } of FILTERS) {
      const query = `include_debug=${filter.debug === true}&include_all=${filter.all === true}`
      const { body } = await server.rest.get(`runs/${id}/events?${query}`)
      expect(seqs(body['results'] as RestEvent[])).toEqual(sees)
      expect(body['count']).toBe(sees.length)
    }
  })

  test('in debug mode: debug events unasked, internal ones only when asked', async ({ createServer }) => {
    const { agent, goOn } = createEmitter()
    goOn()
    const server = await createServer({ agents: [agent], config: { debugMode: true } })
    const id = await server.rest.create('emitter')
    expect(await ask(server, id, {})).toEqual([DEBUG, DEBUG, DEBUG])
    expect(await ask(server, id, { all: true })).toEqual([ALL, ALL, ALL])
  })

  test('as the configuration says, before agent and runtime; one event’s own word counts before all', async ({
    createServer,
  }) => {
    const { agent, goOn } = createEmitter()
    goOn()
    const eventVisibility = {
      open: 'debug',
      quiet: 'user',
      'run.started': 'user',
      'run.succeeded': 'user',
    } as const
    const server = await createServer({ agents: [agent], config: { eventVisibility } })
    const id = await server.rest.create('emitter')
    const sees = [1, 4, 6, 7, 10]
    expect(await ask(server, id, {})).toEqual([sees, sees, sees])
  })

  test('also of how a run ended: a stream ends whether or not its end is for the reader', async ({
    createServer,
  }) => {
    const failing = defineAgent({ key: 'failing', run: () => Promise.reject(new Error('as told')) })
    const config = { eventVisibility: { 'run.failed': 'internal', 'run.cancelled': 'debug' } } as const
    const server = await createServer({ agents: [failing], config })
    const failed = await server.rest.create('failing')
    expect(await ask(server, failed, {})).toEqual([[1], [1], [1]])
    expect(await ask(server, failed, { all: true })).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ])
    const idle = await createServer({ agents: [{ ...failing, key: 'idle' }], config, worker: false })
    const cancelled = await idle.rest.create('idle')
    await idle.rest.post(`runs/${cancelled}/cancel`)
    expect(await ask(idle, cancelled, {})).toEqual([[], [], []])
    expect(await ask(idle, cancelled, { debug: true })).toEqual([[1], [1], [1]])
  })

  test('everybody that a run begins, goes on and succeeds, and what with only who may see that', async ({
    createServer,
  }) => {
    const asking = defineAgent({
      key: 'asking',
      async run(ctx) {
        const { value } = await ctx.wait('secret', z.string())
        return { output: value }
      },
    })
    const server = await createServer({ agents: [asking] })
    const id = await server.rest.create('asking')
    const live = server.trpc.events({ runId: id })
    const streamed = await server.rest.stream(`runs/${id}/events`)
    const heard = await streamed.until('run.waiting')
    await server.rest.post(`runs/${id}/respond`, { wait: 'secret', value: 'sesame' })
    heard.push(...(await streamed.until('run.succeeded')))
    const bare = [
      ['run.started', {}],
      ['run.waiting', expect.objectContaining({ name: 'secret' })],
      ['run.resumed', {}],
      ['run.started', {}],
      ['run.succeeded', {}],
    ]
    const told = (events: readonly { type: string; payload: unknown }[]) =>
      events.map(({ type, payload }) => [type, payload])
    const page = (await server.rest.get(`runs/${id}/events`)).body
    expect(page['count']).toBe(5)
    for (const events of [
      heard,
      await live,
      await server.trpc.events({ runId: id }),
      await server.rest.events(`runs/${id}/events`),
      page['results'] as RestEvent[],
    ]) {
      expect(told(events)).toEqual(bare)
      expect(JSON.stringify(events)).not.toContain('sesame')
    }
    expect(told(await server.rest.events(`runs/${id}/events?include_all=1`))).toMatchObject([
      ['run.started', { agent_key: 'asking' }],
      ['run.waiting', {}],
      ['run.resumed', { wait: 'secret' }],
      ['run.started', { agent_key: 'asking' }],
      ['run.succeeded', { output: 'sesame' }],
    ])
    expect(await server.rest.events(`runs/${id}/events?from_seq=5`)).toMatchObject([
      { seq: 5, type: 'run.succeeded', payload: {} },
    ])
  })

  test('an anonymous visitor may not ask for more', async ({ createServer }) => {
    const { agent, goOn } = createEmitter()
    goOn()
    const server = await createServer({
      agents: [agent],
      authenticate: () => ({ id: 'visitor', tenantId: '', kind: 'anonymous' }),
    })
    const id = await server.rest.create('emitter')
    expect(await ask(server, id, {})).toEqual([USER, USER, USER])
    for (const query of ['include_debug=1', 'include_all=1']) {
      for (const path of [`runs/${id}/events`, `runs/${id}/events/stream`]) {
        expect(await server.rest.get(`${path}?${query}`)).toMatchObject({
          status: 403,
          body: { code: 'forbidden' },
        })
      }
    }
    for (const filter of [{ includeDebug: true }, { includeAll: true }]) {
      await expect(server.trpc.events({ runId: id, ...filter })).rejects.toMatchObject({
        data: { error: { code: 'forbidden' } },
      })
    }
  })

  test('and who may ask for more is the application’s to say', async ({ createServer }) => {
    const { agent, goOn } = createEmitter()
    goOn()
    const asked: AuthorizeQuestion[] = []
    const server = await createServer({
      agents: [agent],
      authenticate: ({ headers }) => ({
        id: headers.get('who') ?? 'nobody',
        tenantId: '',
        kind: 'anonymous',
      }),
      async authorize(...asking) {
        if (asking[1] === 'read' || asking[1] === 'create') return ownersOnly(...asking)
        asked.push(asking)
        return asking[1] === 'includeDebug'
      },
    })
    const { rest, trpc } = server.as({ who: 'owner' })
    const id = await rest.create('emitter')
    expect(await ask({ rest, trpc }, id, {})).toEqual([USER, USER, USER])
    expect(asked).toEqual([])
    expect(await ask({ rest, trpc }, id, { debug: true })).toEqual([DEBUG, DEBUG, DEBUG])
    expect(asked).toHaveLength(3)
    expect(asked[0]).toEqual([
      { id: 'owner', tenantId: '', kind: 'anonymous' },
      'includeDebug',
      {
        run: expect.objectContaining({
          id,
          owner: { id: 'owner', tenantId: '', kind: 'anonymous' },
        }) as unknown,
      },
    ])
    for (const path of [`runs/${id}/events`, `runs/${id}/events/stream`]) {
      const refused = await rest.get(`${path}?include_all=1&include_debug=1`)
      expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    }
    await expect(trpc.events({ runId: id, includeAll: true })).rejects.toMatchObject({
      data: { error: { code: 'forbidden' } },
    })
    // A caller does not learn that another's run is refused, and the application does not hear of it.
    asked.length = 0
    const stranger = server.as({ who: 'stranger' })
    expect((await stranger.rest.get(`runs/${id}/events?include_all=1`)).status).toBe(404)
    await expect(stranger.trpc.events({ runId: id, includeAll: true })).rejects.toMatchObject({
      data: { error: { code: 'not_found' } },
    })
    expect(asked).toEqual([])
  })
})
