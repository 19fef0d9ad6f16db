import { describe, expectTypeOf, it } from 'vitest'
import { createAgentClient } from '../../client/index.ts'
import type { AnyRunHandle, FilePart, Json, StoredFile, StoredSchedule } from '../../client/index.ts'
import type { ShapesOf } from '../../server/contract/agent-shape.ts'
import type { runtime } from './typed-runtime.ts'

const client = createAgentClient<typeof runtime>({ url: '/trpc' })

it('lets in visitors without an account by one option', () => {
  createAgentClient<typeof runtime>({ url: '/trpc', anonymous: true })
  createAgentClient<typeof runtime>({
    url: '/trpc',
    anonymous: { storage: sessionStorage, path: '/session' },
  })
  // @ts-expect-error -- it keeps a token by three methods
  createAgentClient<typeof runtime>({ url: '/trpc', anonymous: { storage: new Map<string, string>() } })
  expectTypeOf(client.sessions.claim).returns.resolves.toEqualTypeOf<{
    conversations: number
    runs: number
  } | null>()
})
const messages = [{ role: 'user' as const, content: 'Hi' }]

describe('creating a run', () => {
  it('takes the keys of agents that exist', () => {
    expectTypeOf(client.runs.create({ agentKey: 'bare', messages })).resolves.toHaveProperty('agentKey')
    // @ts-expect-error there is no such agent
    void client.runs.create({ agentKey: 'nobody', messages })
  })

  it("takes the agent's params, as they go into its schema", () => {
    expectTypeOf(client.runs.create({ agentKey: 'researcher', messages, params: { depth: 2 } })).toBeObject()
    void client.runs.create({ agentKey: 'researcher', messages, params: { depth: 2, tone: 'terse' } })
    // @ts-expect-error depth is required
    void client.runs.create({ agentKey: 'researcher', messages, params: { tone: 'terse' } })
    // @ts-expect-error depth is a number
    void client.runs.create({ agentKey: 'researcher', messages, params: { depth: '2' } })
    // @ts-expect-error no such tone
    void client.runs.create({ agentKey: 'researcher', messages, params: { depth: 2, tone: 'loud' } })
    // @ts-expect-error params of another agent
    void client.runs.create({ agentKey: 'greeter', messages, params: { depth: 2 } })
  })

  it('asks for params only where some are required', () => {
    expectTypeOf(client.runs.create({ agentKey: 'greeter', messages })).toBeObject()
    // @ts-expect-error researcher requires params
    void client.runs.create({ agentKey: 'researcher', messages })
  })

  it('takes any JSON as params of an agent without a schema', () => {
    expectTypeOf(
      client.runs.create({ agentKey: 'bare', messages, params: { depth: [2, null] } }),
    ).toBeObject()
    // @ts-expect-error that is no JSON
    void client.runs.create({ agentKey: 'bare', messages, params: { depth: 2n } })
  })

  it('filters by the keys of agents that exist', () => {
    expectTypeOf(client.runs.list({ agentKey: 'greeter', limit: 1 })).toBeObject()
    expectTypeOf(client.conversations.list({ agentKey: 'bare' })).toBeObject()
    // @ts-expect-error there is no such agent
    void client.runs.list({ agentKey: 'nobody' })
    // @ts-expect-error there is no such agent
    void client.conversations.list({ agentKey: 'nobody' })
  })

  it('takes objects of interfaces as metadata', () => {
    interface Ticket {
      number: number
    }
    const metadata: Ticket = { number: 1 }
    expectTypeOf(client.runs.create({ agentKey: 'bare', metadata })).toBeObject()
    // @ts-expect-error text is no object
    void client.runs.create({ agentKey: 'bare', metadata: 'text' })
  })

  it('takes a new conversation, or one by a key', () => {
    expectTypeOf(client.runs.create({ agentKey: 'bare', conversation: 'new' })).toBeObject()
    expectTypeOf(client.runs.create({ agentKey: 'bare', conversation: { externalId: 'a' } })).toBeObject()
    // @ts-expect-error that is none
    void client.runs.create({ agentKey: 'bare', conversation: 'old' })
    // @ts-expect-error a key is text
    void client.runs.create({ agentKey: 'bare', conversation: { externalId: 1 } })
    // @ts-expect-error a key is text, and no null
    void client.conversations.create({ externalId: null })
  })

  it('takes well-formed messages', () => {
    expectTypeOf(client.runs.create({ agentKey: 'bare', messages: [] })).toBeObject()
    // @ts-expect-error no such role
    void client.runs.create({ agentKey: 'bare', messages: [{ role: 'robot', content: 'Hi' }] })
  })
})

describe('a run', () => {
  it("has its agent's output", async () => {
    const run = await client.runs.create({ agentKey: 'researcher', params: { depth: 1 } })
    expectTypeOf(run.agentKey).toEqualTypeOf<'researcher'>()
    const output = await run.result()
    expectTypeOf(output).toEqualTypeOf<{ report: string; sources: string[] }>()
    // @ts-expect-error no such field
    void output.greeting
    const other = await client.runs.create({ agentKey: 'bare' })
    expectTypeOf(await other.result()).toEqualTypeOf<Json>()
  })

  it("has its agent's events beside those of the runtime, narrowed by type", async () => {
    const run = await client.runs.create({ agentKey: 'researcher', params: { depth: 1 } })
    for await (const event of run.events()) {
      if (event.type === 'research.progress') {
        expectTypeOf(event.payload).toEqualTypeOf<{ percent: number }>()
        // @ts-expect-error no such field
        void event.payload.done
      }
      if (event.type === 'assistant.delta') expectTypeOf(event.payload.content).toEqualTypeOf<string>()
      // @ts-expect-error no agent emits this
      void (event.type === 'research.finished')
    }
    const other = await client.runs.create({ agentKey: 'greeter' })
    for await (const event of other.events()) {
      // @ts-expect-error another agent's event
      void (event.type === 'research.progress')
    }
  })

  it('that is followed is of any agent until its key tells', async () => {
    const run = await client.runs.follow('a run')
    expectTypeOf(run).toEqualTypeOf<AnyRunHandle<ShapesOf<typeof runtime>>>()
    if (run.agentKey === 'greeter') expectTypeOf(await run.result()).toEqualTypeOf<{ greeting: string }>()
    for await (const event of run.events()) {
      if (event.type === 'research.progress') expectTypeOf(event.payload.percent).toEqualTypeOf<number>()
    }
  })

  it('has a store typed alike', () => {
    const { events, output } = client.runs.store('a run').getSnapshot()
    const progress = events.find((event) => event.type === 'research.progress')
    expectTypeOf(progress?.payload.percent).toEqualTypeOf<number | undefined>()
    expectTypeOf<{ greeting: string }>().toExtend<typeof output>()
  })
})

describe('files', () => {
  it('are uploaded as what a page has, and named by their ids', async () => {
    const file = await client.files.upload(new File([], 'a'), { name: 'b' })
    expectTypeOf(file).toEqualTypeOf<StoredFile>()
    expectTypeOf(await client.files.download(file.id)).toEqualTypeOf<Blob>()
    const content = [{ type: 'file' as const, fileId: file.id }]
    void client.runs.create({ agentKey: 'bare', messages: [{ role: 'user', content }] })
    // @ts-expect-error a path is no file
    void client.files.upload('/etc/passwd')
    // @ts-expect-error a part names a file by its id
    const wrong: FilePart = { type: 'file', fileId: file }
    void wrong
  })
})

describe('the tRPC client underneath', () => {
  it('knows the agents too', () => {
    expectTypeOf(
      client.trpc.runs.create.mutate({ agentKey: 'researcher', params: { depth: 1 } }),
    ).toBeObject()
    // @ts-expect-error there is no such agent
    void client.trpc.runs.create.mutate({ agentKey: 'nobody' })
    // @ts-expect-error there is no such procedure
    void client.trpc.runs.destroy
  })
})

describe('following a conversation', () => {
  it('has the events of all agents, and those about runs', async () => {
    for await (const event of client.conversations.events('id', { after: 'now', includeDebug: true })) {
      expectTypeOf(event.cursor).toEqualTypeOf<string>()
      if (event.type === 'assistant.delta') expectTypeOf(event.payload.content).toEqualTypeOf<string>()
      if (event.type === 'run.created') expectTypeOf(event.payload.ordinal).toEqualTypeOf<number>()
      if (event.type === 'run.deleted') expectTypeOf(event.payload).toEqualTypeOf<Record<string, never>>()
      if (event.type === 'run.moved') expectTypeOf(event.payload).toEqualTypeOf<Record<string, never>>()
      // @ts-expect-error no agent has such an event
      if (event.type === 'nothing') break
    }
    // @ts-expect-error a cursor of a conversation is text, a run's is a number
    void client.conversations.events('id', { after: 7 })
    // @ts-expect-error that is how a run is followed
    void client.conversations.events('id', { from: 7 })
  })
})

describe('a schedule', () => {
  it("has its agent's params, and times of one kind", () => {
    const daily = { cron: '0 8 * * *', timeZone: 'Europe/Lisbon' }
    expectTypeOf(
      client.schedules.create({ agentKey: 'researcher', ...daily, params: { depth: 2 } }),
    ).resolves.toEqualTypeOf<StoredSchedule>()
    void client.schedules.create({ agentKey: 'greeter', everySeconds: 3_600, messages })
    // @ts-expect-error there is no such agent
    void client.schedules.create({ agentKey: 'nobody', ...daily })
    // @ts-expect-error depth is required
    void client.schedules.create({ agentKey: 'researcher', ...daily, params: { tone: 'terse' } })
    // @ts-expect-error it has no times
    void client.schedules.create({ agentKey: 'greeter' })
    // @ts-expect-error it has either a cron expression or an interval
    void client.schedules.create({ agentKey: 'greeter', ...daily, everySeconds: 60 })
  })

  it('is run by a handle', () => {
    expectTypeOf(client.schedules.runNow('id')).resolves.toEqualTypeOf<
      AnyRunHandle<ShapesOf<typeof runtime>>
    >()
  })
})
