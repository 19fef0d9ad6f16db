// One version of an agent begins a run, and another version continues it.
import { describe, expect, test as unit } from 'vitest'
import { z } from 'zod'
import { defineAgent, StepInterruptedError } from '../../../../server/index.ts'
import type { AnyAgent, VersionChange } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import type { CreateServer, TestServer } from '../../../support/runtime.ts'

const ALL = 'events?include_all=1'

/** The actions of both versions of one agent, in order. */
type Done = string[]

function orderOf(version: string | undefined, done: Done, onVersionChange?: VersionChange): AnyAgent {
  return defineAgent({
    key: 'order',
    maxAttempts: 3,
    ...(version === undefined ? {} : { version }),
    ...(onVersionChange === undefined ? {} : { onVersionChange }),
    async run(ctx) {
      const by = await ctx.step(version === 'v2' ? 'pay' : 'charge', async ({ idempotencyKey }) => {
        done.push(`${version} ${idempotencyKey.split('/').slice(1).join('/')}`)
        await ctx.emit('assistant.message', { messageId: `m-${version}`, content: `${version} charged` })
        return version ?? 'none'
      })
      await ctx.step('common', () => done.push(`${version} common`))
      const { value } = await ctx.wait(
        'leave',
        version === 'v2' ? z.number() : z.union([z.string(), z.number()]),
      )
      return { output: [by, value] }
    },
  })
}

/** A run that waits. The worker that began it, with the first agent, is gone. */
async function begun(createServer: CreateServer, agent: AnyAgent): Promise<string> {
  const { rest, runtime } = await createServer({ agents: [agent] })
  const id = await rest.create('order')
  await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
  await runtime.stop()
  return id
}

async function answered({ rest }: Pick<TestServer, 'rest'>, id: string, value: unknown) {
  return (await rest.post(`runs/${id}/respond`, { wait: 'leave', value })).status
}

/** Another version ends the run, while a column of its steps cannot be read. */
async function goneOnWithout(
  column: 'name' | 'result',
  createServer: CreateServer,
  database: { sql(text: string): Promise<unknown> },
) {
  const id = await begun(createServer, orderOf('v1', []))
  const after = defineAgent({
    key: 'order',
    version: 'v2',
    async run() {
      await database.sql(`ALTER TABLE agent_runtime.step RENAME COLUMN ${column} TO hidden`)
      return { output: 'done' }
    },
  })
  const server = await createServer({ agents: [after] })
  expect(await answered(server, id, 7)).toBe(200)
  const events = await server.rest.events(`runs/${id}/${ALL}`)
  await database.sql(`ALTER TABLE agent_runtime.step RENAME COLUMN hidden TO ${column}`)
  return { last: events.at(-1), log: server.log }
}

describe('a run that another version began', () => {
  test('goes on with what it left by default, and the log tells of steps that are not reached', async ({
    createServer,
  }) => {
    const done: Done = []
    const id = await begun(createServer, orderOf('v1', done))
    const server = await createServer({ agents: [orderOf('v2', done)] })
    expect(await answered(server, id, 7)).toBe(200)
    const events = await server.rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: ['v2', 7] })
    expect(done).toEqual(['v1 charge/1', 'v1 common', 'v2 pay/1'])
    expect(events.find(({ type }) => type === 'run.started')).toMatchObject({ version: 'v1' })
    const told = server.log.find(({ message }) => message.includes('were not reached'))
    expect(told?.fields).toMatchObject({ steps: ['charge/1'], from: 'v1' })
  })

  test('ends as it went where it can not be told which steps are not reached', async ({
    createServer,
    database,
  }) => {
    const { last, log } = await goneOnWithout('name', createServer, database)
    expect(last).toMatchObject({ type: 'run.succeeded', output: 'done', attempt: 2 })
    expect(log.map(({ message }) => message)).toContain(
      'which steps another version of the agent has left could not be read',
    )
  })

  test('tells which steps are not reached without reading what they made', async ({
    createServer,
    database,
  }) => {
    const { last, log } = await goneOnWithout('result', createServer, database)
    expect(last).toMatchObject({ type: 'run.succeeded', attempt: 2 })
    const told = log.find(({ message }) => message.includes('were not reached'))
    expect(told?.fields).toMatchObject({ steps: ['charge/1', 'common/1'] })
  })

  test('begins anew where the agent says so: with the same keys, and readers drop what was said', async ({
    createServer,
  }) => {
    const done: Done = []
    const id = await begun(createServer, orderOf('v1', done))
    const server = await createServer({ agents: [orderOf('v2', done, 'restart')] })
    const stream = await server.rest.stream(`runs/${id}/${ALL}`)
    const before = await stream.until('run.waiting')
    const said = before.find(({ type }) => type === 'assistant.message')
    expect(await answered(server, id, 'seven')).toBe(200)
    const anew = await stream.until('run.waiting')
    expect(anew.find(({ type }) => type === 'run.retrying')).toMatchObject({
      message_ids: [said?.['message_id']],
      payload: { error: { code: 'version_changed', details: { from: 'v1', to: 'v2' } } },
    })
    // This is the new wait, with its own schema.
    expect(await answered(server, id, 'seven')).toBe(400)
    expect(await answered(server, id, 7)).toBe(200)
    const events = await server.rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', output: ['v2', 7] })
    expect(done).toEqual(['v1 charge/1', 'v1 common', 'v2 pay/1', 'v2 common'])
    expect(events.filter(({ type }) => type === 'run.started').map((event) => event['version'])).toEqual([
      'v1',
      'v1',
      'v2',
      'v2',
    ])
  })

  test('fails with a code of its own where the agent says so, and is not tried again', async ({
    createServer,
  }) => {
    const done: Done = []
    const id = await begun(createServer, orderOf('v1', done))
    const server = await createServer({ agents: [orderOf('v2', done, 'fail')] })
    expect(await answered(server, id, 7)).toBe(200)
    expect((await server.rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({
      type: 'run.failed',
      attempt: 2,
      code: 'version_changed',
      details: { from: 'v1', to: 'v2' },
    })
    expect(done).toHaveLength(2)
  })

  test.for(['restart', 'fail'] as const)(
    'and left nothing just goes on, where the agent says %s',
    async (onVersionChange, { createServer, database }) => {
      const failing = defineAgent({
        key: 'order',
        version: 'v1',
        maxAttempts: 3,
        run: () => Promise.reject(new Error('not yet')),
      })
      const first = await createServer({ agents: [failing], config: { retryDelaySeconds: 3_600 } })
      const id = await first.rest.create('order')
      await (await first.rest.stream(`runs/${id}/events`)).until('run.retrying')
      await first.runtime.stop()
      // Its next attempt is due.
      await database.sql('UPDATE agent_runtime.run SET run_at = now() WHERE id = $1', [id])
      await database.sql('UPDATE agent_runtime_queue.job SET start_after = now()')
      const fixed = defineAgent({
        key: 'order',
        version: 'v2',
        onVersionChange,
        run: async () => ({ output: 'ok' }),
      })
      const { rest } = await createServer({ agents: [fixed] })
      expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ attempt: 2, output: 'ok' })
    },
  )

  test('of an agent without a version goes on as ever', async ({ createServer }) => {
    const done: Done = []
    const id = await begun(createServer, orderOf(undefined, done))
    const server = await createServer({ agents: [orderOf('v2', done, 'fail')] })
    expect(await answered(server, id, 7)).toBe(200)
    expect((await server.rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
  })

  test('does not repeat a step that runs at most once', async ({ createServer }) => {
    const done: Done = []
    const careful = (version: string) =>
      defineAgent({
        key: 'order',
        version,
        onVersionChange: 'restart',
        async run(ctx) {
          const outcome = await ctx
            .step('charge', () => done.push(version), { atMostOnce: true })
            .catch((error: unknown) => {
              if (error instanceof StepInterruptedError) return `began in ${error.attempt}`
              throw error
            })
          await ctx.wait('leave', z.unknown())
          return { output: outcome }
        },
      })
    const id = await begun(createServer, careful('v1'))
    const server = await createServer({ agents: [careful('v2')] })
    const stream = await server.rest.stream(`runs/${id}/events`)
    await stream.until('run.waiting')
    expect(await answered(server, id, 1)).toBe(200)
    await stream.until('run.waiting')
    expect(await answered(server, id, 1)).toBe(200)
    expect((await server.rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ output: 'began in 1' })
    expect(done).toEqual(['v1'])
  })

  test('has answers checked by the current question', async ({ createServer }) => {
    const both = (version: string, leave: z.ZodType) =>
      defineAgent({
        key: 'order',
        version,
        async run(ctx) {
          const [first, second] = await Promise.all([ctx.wait('first', z.string()), ctx.wait('leave', leave)])
          return { output: [first.value, second.value] as string[] }
        },
      })
    const id = await begun(createServer, both('v1', z.string()))
    const server = await createServer({ agents: [both('v2', z.number())] })
    const stream = await server.rest.stream(`runs/${id}/${ALL}`)
    expect((await server.rest.post(`runs/${id}/respond`, { wait: 'first', value: 'a' })).status).toBe(200)
    await stream.until('run.resumed')
    await stream.until('run.waiting')
    expect(await answered(server, id, 'text')).toBe(400)
    expect(await answered(server, id, 7)).toBe(200)
    expect((await server.rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ output: ['a', 7] })
  })

  test.for([
    ['another', 3_600_000, 1],
    ['the same', 72 * 3_600_000, 72],
    ['no', undefined, null],
  ] as const)(
    'has the time of a wait that the new code gives it: %s',
    async ([, later, hours], { createServer, database }) => {
      const both = (version: string, timeoutMs: number | undefined) =>
        defineAgent({
          key: 'order',
          version,
          async run(ctx) {
            await Promise.all([
              ctx.wait('first', z.string()),
              ctx.wait('second', z.string()),
              timeoutMs === undefined
                ? ctx.wait('leave', z.string())
                : ctx.wait('leave', z.string(), { timeoutMs }),
            ])
            return { output: 'done' }
          },
        })
      const id = await begun(createServer, both('v1', 72 * 3_600_000))
      const leftAt = () =>
        database.sql<{ left: string | null; age: string }>(
          `SELECT extract(epoch FROM expires_at - now()) / 3600 AS left, extract(epoch FROM now() - created_at) / 3600 AS age
         FROM agent_runtime.wait WHERE name = 'leave'`,
        )
      // A day later.
      await database.sql(
        `UPDATE agent_runtime.wait SET created_at = created_at - interval '1 day', expires_at = expires_at - interval '1 day'`,
      )
      const { rest } = await createServer({ agents: [both('v2', later)] })
      const stream = await rest.stream(`runs/${id}/${ALL}`)
      for (const wait of ['first', 'second']) {
        expect((await rest.post(`runs/${id}/respond`, { wait, value: 'a' })).status).toBe(200)
        await stream.until('run.resumed')
        await stream.until('run.waiting')
        const [row] = await leftAt()
        const left = row?.left == null ? null : Math.round(Number(row.left))
        expect(left).toBe(hours === 72 ? 48 : hours)
      }
    },
  )

  test('takes no answer that was checked by what it asked before', async ({ createServer, database }) => {
    const id = await begun(createServer, orderOf('v1', []))
    let isChanged = false
    const { rest } = await createServer({
      agents: [orderOf('v1', [])],
      worker: false,
      // The version changes after the question was read and before the answer is stored.
      async authorize(...[, action]) {
        if (action === 'read') return 'own'
        if (action !== 'respond' || isChanged) return true
        isChanged = true
        await database.sql(
          `UPDATE agent_runtime.wait SET request = jsonb_set(request, '{schema}', '{"type": "number"}') WHERE run_id = $1`,
          [id],
        )
        return true
      },
    })
    expect(await rest.post(`runs/${id}/respond`, { wait: 'leave', value: 'seven' })).toMatchObject({
      status: 409,
      body: { code: 'conflict', error: expect.stringContaining('now asks for something else') },
    })
    expect(await answered({ rest }, id, 'seven')).toBe(400)
    expect(await answered({ rest }, id, 7)).toBe(200)
  })
})

test(
  'two versions side by side: each run is of one of them, in whole',
  { timeout: 60_000 },
  async ({ createServer }) => {
    const done: Done = []
    const side = (version: string) =>
      defineAgent({
        key: 'order',
        version,
        onVersionChange: 'restart',
        async run(ctx) {
          const first = await ctx.step('first', () => version)
          await ctx.wait('leave', z.unknown())
          const second = await ctx.step('second', () => version)
          if (second === version) done.push(`${first} ${second}`)
          return { output: [first, second] }
        },
      })
    const config = { concurrency: 2 }
    const servers = await Promise.all(
      ['v1', 'v2'].map((version) => createServer({ agents: [side(version)], config })),
    )
    const [{ rest } = { rest: undefined as never }] = servers
    const ended = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const id = await rest.create('order')
        const stream = await rest.stream(`runs/${id}/${ALL}`)
        for (;;) {
          const event = await stream.next()
          if (event === undefined) throw new Error('The stream has ended before the run.')
          // A worker that starts the run anew waits again.
          if (event.type === 'run.waiting') await answered({ rest }, id, 1)
          if (event.type === 'run.succeeded') return event
        }
      }),
    )
    for (const { output } of ended as unknown as { output: [string, string] }[])
      expect(output[0]).toBe(output[1])
    expect(done).toHaveLength(12)
  },
)

describe('defineAgent', () => {
  const run = async () => {}
  unit.each<[object, string]>([
    [{ version: '' }, 'version is a text of 1 to 100 characters'],
    [{ version: 2 }, 'version is a text of 1 to 100 characters'],
    [{ version: '2', onVersionChange: 'again' }, 'onVersionChange is "continue", "restart" or "fail"'],
    [{ onVersionChange: 'fail' }, 'has an onVersionChange, and no version'],
  ])('does not take %o', (options, message) => {
    expect(() => defineAgent({ key: 'a', run, ...options })).toThrow(message)
  })
})
