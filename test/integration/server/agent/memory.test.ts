// What agents remember beyond their runs.
import { describe, expect, vi } from 'vitest'
import { z } from 'zod'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { defineAgent, memoryTools, toolLoop } from '../../../../server/index.ts'
import type { Json, ListMemory, Memory, Principal } from '../../../../server/index.ts'
import type { RestClient, RestEvent } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'
import { claimAsAnother } from '../../../support/takeover.ts'

const ALL = 'events?include_all=1'

function authenticate(request: Request): Principal | null {
  const id = request.headers.get('x-user')
  return id === null ? null : { id, tenantId: request.headers.get('x-tenant') ?? 'acme', kind: 'user' }
}

const Call = z.object({
  share: z.enum(['principal', 'tenant']).optional(),
  namespace: z.string().default('notes'),
  verb: z.enum(['get', 'set', 'delete', 'list']),
  key: z.string().default(''),
  value: z.json().optional(),
  asked: z.object({ search: z.string(), limit: z.number(), before: z.string() }).partial().optional(),
})

function done(memory: Memory, { verb, key, value = null, asked }: z.output<typeof Call>): Promise<unknown> {
  switch (verb) {
    case 'set':
      return memory.set(key, value)
    case 'list':
      return memory.list(asked as ListMemory)
    default:
      return memory[verb](key)
  }
}

/** Does what its input says, in order. */
const keeper = defineAgent({
  key: 'keeper',
  params: z.array(Call),
  async run(ctx) {
    const output: unknown[] = []
    for (const call of ctx.params) {
      const { namespace, share = 'principal' } = call
      output.push((await done(ctx.memory(namespace, { share }), call)) ?? null)
    }
    return { output: output as Json }
  },
})

async function keep(rest: RestClient, ...params: z.input<typeof Call>[]) {
  const id = await rest.create('keeper', { params })
  return (await rest.events(`runs/${id}/${ALL}`)).at(-1)
}

const entriesOf = (ended: RestEvent | undefined) => {
  const [entries] = Object(ended)['output'] as [{ key: string; id: string }[]]
  return entries
}

const listed = async (rest: RestClient, query = '') =>
  ((await rest.get(`memories${query}`)).body['results'] as { key: string; value: unknown }[]).map(
    ({ key }) => key,
  )

describe('what an agent remembers', () => {
  test('is found by later runs of that principal, and by nobody else', async ({ createServer }) => {
    const server = await createServer({ agents: [keeper], authenticate })
    const [ada, bob] = ['ada', 'bob'].map((id) => server.as({ 'x-user': id }).rest) as [
      RestClient,
      RestClient,
    ]
    const elsewhere = server.as({ 'x-user': 'ada', 'x-tenant': 'globex' }).rest
    await keep(ada, { verb: 'set', key: 'city', value: { name: 'Lisbon' } })
    expect(await keep(ada, { verb: 'get', key: 'city' }, { verb: 'get', key: 'none' })).toMatchObject({
      output: [{ name: 'Lisbon' }, null],
    })
    for (const other of [bob, elsewhere]) {
      expect(await keep(other, { verb: 'get', key: 'city' }, { verb: 'list' })).toMatchObject({
        output: [null, []],
      })
      expect(await listed(other)).toEqual([])
    }
    await keep(ada, { verb: 'set', key: 'city', value: 'Porto' })
    expect(await keep(ada, { verb: 'delete', key: 'city' }, { verb: 'delete', key: 'city' })).toMatchObject({
      output: [true, false],
    })
    expect(await listed(ada)).toEqual([])
  })

  test('of a tenant is found by all of its runs, and seen by callers with access to the tenant', async ({
    createServer,
  }) => {
    const server = await createServer({
      agents: [keeper],
      authenticate,
      authorize: (...[principal, action]) =>
        action !== 'read' || (principal.id === 'boss' ? 'tenant' : 'own'),
    })
    const as = (id: string, tenant = 'acme') => server.as({ 'x-user': id, 'x-tenant': tenant }).rest
    await keep(as('ada'), { share: 'tenant', verb: 'set', key: 'motto', value: 'Onwards' })
    const asked = [
      { share: 'tenant', verb: 'get', key: 'motto' },
      { verb: 'get', key: 'motto' },
    ] as const
    expect(await keep(as('bob'), ...asked)).toMatchObject({ output: ['Onwards', null] })
    expect(await keep(as('eve', 'globex'), ...asked)).toMatchObject({ output: [null, null] })
    expect(await listed(as('ada'))).toEqual([])
    const { body } = await as('boss').get('memories?scope=tenant')
    expect(body).toMatchObject({ count: 1, results: [{ key: 'motto', owner: null, tenant_id: 'acme' }] })
    const { id } = (body['results'] as [{ id: string }])[0]
    expect((await as('ada').request('DELETE', `memories/${id}`)).status).toBe(404)
    expect((await as('boss').request('DELETE', `memories/${id}`)).status).toBe(204)
    expect(await keep(as('bob'), ...asked)).toMatchObject({ output: [null, null] })
  })

  test('is looked up by words, in any case and script, page by page', async ({ createServer }) => {
    const { rest, trpc } = await createServer({ agents: [keeper] })
    const values = { city: 'Lives in LISBON.', pet: { kind: 'cat', names: ['Мурка'] }, age: 42, lisbon: [] }
    await keep(rest, ...Object.entries(values).map(([key, value]) => ({ verb: 'set' as const, key, value })))
    const found = async (search: string) => {
      const ended = await keep(rest, { verb: 'list', asked: { search } })
      const keys = entriesOf(ended).map(({ key }) => key)
      expect(await listed(rest, `?search=${encodeURIComponent(search)}`)).toEqual(keys)
      expect((await trpc.client.memories.list.query({ search })).items.map(({ key }) => key)).toEqual(keys)
      return keys
    }
    expect(await found('lisbon')).toEqual(['lisbon', 'city'])
    expect(await found('МУРКА cat')).toEqual(['pet'])
    expect(await found('42')).toEqual(['age'])
    expect(await found('lives dog')).toEqual([])
    expect(await found('.*')).toEqual([])
    const ended = await keep(rest, { verb: 'list', asked: { limit: 2 } })
    const [first, second] = entriesOf(ended)
    expect([first?.key, second?.key]).toEqual(['lisbon', 'age'])
    expect(await keep(rest, { verb: 'list', asked: { before: String(second?.id) } })).toMatchObject({
      output: [[{ key: 'pet' }, { key: 'city' }]],
    })
    expect(await listed(rest, '?namespace=other')).toEqual([])
  })

  test.for<[string, z.input<typeof Call>, string]>([
    ['an empty key', { verb: 'set', key: '' }, 'key is not valid'],
    ['a key with a line break', { verb: 'get', key: 'a\nb' }, 'key is not valid'],
    [
      'a namespace that is too long',
      { verb: 'get', namespace: 'n'.repeat(61), key: 'k' },
      'namespace is not valid',
    ],
    [
      'a value that is too large',
      { verb: 'set', key: 'k', value: 'x'.repeat(101) },
      'where 100 can be remembered',
    ],
    ['a limit that is too large', { verb: 'list', asked: { limit: 201 } }, 'list.limit is not valid'],
    ['a place that is none', { verb: 'list', asked: { before: 'x' } }, 'before is not valid'],
  ])('does not take %s', async ([, call, message], { createServer }) => {
    const { rest, log } = await createServer({ agents: [keeper], config: { maxMemoryBytes: 100 } })
    expect(await keep(rest, call)).toMatchObject({ type: 'run.failed' })
    expect(log.map(({ fields }) => String((fields['err'] as Error | undefined)?.message)).join()).toContain(
      message,
    )
    expect(await listed(rest)).toEqual([])
  })

  test('is bounded, also when many write at once', async ({ createServer }) => {
    const config = { memoriesPerPrincipal: 5, memoriesPerTenant: 1 }
    const { rest } = await createServer({ agents: [keeper], config })
    const ended = await Promise.all(
      Array.from({ length: 12 }, (_, n) => keep(rest, { verb: 'set', key: `k${n}`, value: n })),
    )
    expect(ended.filter((event) => event?.type === 'run.succeeded')).toHaveLength(5)
    const keys = await listed(rest)
    expect(keys).toHaveLength(5)
    // Existing memories can be changed.
    const key = String(keys[0])
    expect(await keep(rest, { verb: 'set', key, value: 'new' })).toMatchObject({ type: 'run.succeeded' })
    const ofTenant = { share: 'tenant', verb: 'set', value: 1 } as const
    expect(await keep(rest, { ...ofTenant, key: 'a' })).toMatchObject({ type: 'run.succeeded' })
    expect(await keep(rest, { ...ofTenant, key: 'b' })).toMatchObject({ type: 'run.failed' })
  })

  test('has the type of its schema, and what does not fit is left out', async ({ createServer }) => {
    const Count = z.object({ n: z.number(), at: z.coerce.date() })
    const typed = defineAgent({
      key: 'typed',
      params: z.object({ n: z.unknown() }),
      async run(ctx) {
        const counts = ctx.memory('counts', { schema: Count })
        const before = await counts.get('visits')
        await counts.set('visits', { n: ctx.params.n as number, at: new Date(0) })
        const [entry] = await counts.list()
        return { output: [before?.n ?? null, entry?.value.at.getTime() ?? null] }
      },
    })
    const { rest, log } = await createServer({ agents: [typed, keeper] })
    const run = async (n: unknown) => {
      const id = await rest.create('typed', { params: { n } })
      return (await rest.events(`runs/${id}/${ALL}`)).at(-1)
    }
    expect(await run(1)).toMatchObject({ output: [null, 0] })
    expect(await run(2)).toMatchObject({ output: [1, 0] })
    expect(await run('three')).toMatchObject({ type: 'run.failed' })
    await keep(rest, { namespace: 'counts', verb: 'set', key: 'visits', value: 'not a count' })
    expect(await run(4)).toMatchObject({ output: [null, 0] })
    expect(log.some(({ message }) => message.includes('does not fit its schema'))).toBe(true)
  })
})

describe('what a run writes', () => {
  test('it writes once, whatever crashes, and not over what others wrote since', async ({ createServer }) => {
    const counter = defineAgent({
      key: 'counter',
      maxAttempts: 3,
      async run(ctx) {
        const memory = ctx.memory('notes')
        const n = Number((await memory.get('n')) ?? 0)
        await memory.set('n', n + 1)
        if (ctx.attempt === 1) {
          await other()
          throw new Error('crash')
        }
        return { output: n }
      },
    })
    let other: () => Promise<unknown> = async () => {}
    const { rest } = await createServer({ agents: [counter, keeper] })
    const count = async () => {
      const id = await rest.create('counter')
      return (await rest.events(`runs/${id}/${ALL}`)).at(-1)
    }
    expect(await count()).toMatchObject({ output: 0, attempt: 2 })
    expect(await keep(rest, { verb: 'get', key: 'n' })).toMatchObject({ output: [1] })
    other = () => keep(rest, { verb: 'set', key: 'n', value: 100 })
    expect(await count()).toMatchObject({ output: 1, attempt: 2 })
    expect(await keep(rest, { verb: 'get', key: 'n' })).toMatchObject({ output: [100] })
  })

  test('in a step it writes as often as the step is done', async ({ createServer }) => {
    const stepping = defineAgent({
      key: 'stepping',
      maxAttempts: 2,
      async run(ctx) {
        await ctx.step('both', async () => {
          await ctx.memory('notes').set('attempt', ctx.attempt)
          if (ctx.attempt === 1) throw new Error('crash')
        })
      },
    })
    const { rest } = await createServer({ agents: [stepping, keeper] })
    const id = await rest.create('stepping')
    await rest.events(`runs/${id}/${ALL}`)
    expect(await keep(rest, { verb: 'get', key: 'attempt' })).toMatchObject({ output: [2] })
  })

  test('a worker that has lost the run does not write, in steps nor outside', async ({
    createServer,
    database,
  }) => {
    const outcomes: unknown[] = []
    const reached = Promise.withResolvers<void>()
    const lost = Promise.withResolvers<void>()
    const late = defineAgent({
      key: 'late',
      async run(ctx) {
        reached.resolve()
        await lost.promise
        const memory = ctx.memory('notes')
        outcomes.push(await memory.set('a', 1).catch((error: unknown) => error))
        outcomes.push(await ctx.step('s', () => memory.set('b', 1)).catch((error: unknown) => error))
        outcomes.push(await ctx.step('s', () => memory.delete('kept')).catch((error: unknown) => error))
      },
    })
    const { rest } = await createServer({ agents: [late, keeper] })
    await keep(rest, { verb: 'set', key: 'kept', value: 1 })
    const id = await rest.create('late')
    await reached.promise
    await claimAsAnother(database.sql, id)
    lost.resolve()
    await vi.waitUntil(() => outcomes.length === 3, { interval: 10 })
    expect(outcomes.every((outcome) => outcome instanceof Error)).toBe(true)
    expect(await listed(rest)).toEqual(['kept'])
  })
})

describe('the tools of a model', () => {
  test('remember, recall and forget', async ({ createServer }) => {
    const noting = defineAgent({
      key: 'noting',
      async run(ctx) {
        const { text, messages } = await toolLoop(ctx, { tools: memoryTools(ctx) })
        return { output: text, messages }
      },
    })
    const tool = (name: string, args: object) => ({
      toolCalls: [{ name, arguments: args as { key: string } }],
    })
    const model = createScriptedModel([
      tool('remember', { key: 'city', text: 'Lives in Lisbon.' }),
      tool('remember', { key: 'pet', text: 'Has a cat.' }),
      { text: 'Noted.' },
      tool('recall', { words: 'lisbon' }),
      tool('forget', { key: 'city' }),
      tool('remember', { key: 'pet', text: 'Has two.' }),
      tool('remember', { key: 'third', text: 'x' }),
      { text: 'Lisbon.' },
    ])
    const { rest } = await createServer({ agents: [noting], model, config: { memoriesPerPrincipal: 1 } })
    const results = async () => {
      const id = await rest.create('noting')
      const events = await rest.events(`runs/${id}/${ALL}`)
      return events.filter(({ type }) => type === 'tool.result').map((event) => event['result'])
    }
    expect(await results()).toEqual([
      { remembered: 'city' },
      { error: expect.stringContaining('There is no room for "pet"') },
    ])
    expect(await results()).toEqual([
      [{ key: 'city', text: 'Lives in Lisbon.', updatedAt: expect.any(String) }],
      { forgotten: true },
      { remembered: 'pet' },
      { error: expect.stringContaining('There is no room') },
    ])
    expect(await listed(rest)).toEqual(['pet'])
  })
})

describe('whose it is', () => {
  test('follows a visitor who signs up; of two with one key, the newer stays', async ({ createServer }) => {
    const server = await createServer({ agents: [keeper], authenticate, anonymousSessions: true })
    const { token } = await server.runtime.sessions.create()
    const visitor = server.as({ 'x-anonymous-token': token }).rest
    const ada = server.as({ 'x-user': 'ada' }).rest
    await keep(ada, { verb: 'set', key: 'old', value: 'ada' })
    const params = ['old', 'new', 'own'].map((key) => ({ verb: 'set', key, value: 'visitor' }))
    await visitor.events(`runs/${await visitor.create('keeper', { params })}/events`)
    await keep(ada, { verb: 'set', key: 'new', value: 'ada' })
    expect((await ada.post('sessions/claim', { token })).status).toBe(200)
    expect(
      await keep(ada, ...['old', 'new', 'own'].map((key) => ({ verb: 'get' as const, key }))),
    ).toMatchObject({ output: ['visitor', 'ada', 'visitor'] })
    expect((await listed(ada)).toSorted()).toEqual(['new', 'old', 'own'])
  })

  test('is deleted with all that is theirs', async ({ createServer }) => {
    const server = await createServer({ agents: [keeper], authenticate })
    const as = (id: string) => server.as({ 'x-user': id }).rest
    await keep(
      as('ada'),
      { verb: 'set', key: 'a', value: 1 },
      { share: 'tenant', verb: 'set', key: 't', value: 1 },
    )
    await keep(as('bob'), { verb: 'set', key: 'b', value: 1 })
    const ada = { id: 'ada', tenantId: 'acme', kind: 'user' } as const
    expect(await server.runtime.erase(ada)).toMatchObject({ memories: 1 })
    expect(await keep(as('ada'), { share: 'tenant', verb: 'get', key: 't' })).toMatchObject({ output: [1] })
    expect(await listed(as('bob'))).toEqual(['b'])
    expect(await server.runtime.erase({ tenantId: 'acme' })).toMatchObject({ memories: 2 })
    expect(await listed(as('bob'))).toEqual([])
  })
})
