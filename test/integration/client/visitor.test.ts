// A page for visitors without an account, which needs one option of the client.
import { describe, expect } from 'vitest'
import { createAgentClient } from '../../../client/index.ts'
import type { AgentClientOptions } from '../../../client/index.ts'
import { defineAgent } from '../../../server/index.ts'
import type { AgentRuntime, Principal, ShapeOfAgent } from '../../../server/index.ts'
import { hostRuntimes } from '../../support/node-host.ts'
import { test as base } from '../../support/runtime.ts'
import type { TestServer } from '../../support/runtime.ts'

const chat = defineAgent({
  key: 'chat',
  async run(ctx) {
    await ctx.emitMessage('Hello.')
    return { output: ctx.principal.kind }
  },
})
const ADA = { id: 'ada', tenantId: '', kind: 'user' } as const

function authenticate(request: Request): Principal | null {
  const isAda =
    request.headers.get('authorization') === 'Bearer ada' || request.headers.get('x-cookie') !== null
  return isAda ? ADA : null
}

/** A storage like that of a browser. */
function createStorage() {
  const items = new Map<string, string>()
  return {
    items,
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  }
}

type Runtime = AgentRuntime<ShapeOfAgent<typeof chat>>

interface Page {
  server: TestServer
  url: string
  sessions(): Promise<number>
  open(options?: Partial<AgentClientOptions>): ReturnType<typeof createAgentClient<Runtime>>
}

const test = base.extend<{ page: Page }>({
  page: async ({ createServer, database }, use) => {
    const server = await createServer({ agents: [chat], anonymousSessions: true, authenticate })
    await using host = await hostRuntimes(server.runtime)
    await use({
      server,
      url: host.url,
      async sessions() {
        const [row] = await database.sql<{ n: number }>(
          'SELECT count(*)::int AS n FROM agent_runtime.anonymous_session',
        )
        return row?.n ?? 0
      },
      open: (options = {}) =>
        createAgentClient<Runtime>({
          url: `${host.url}/trpc`,
          socket: { lingerMs: 20 },
          anonymous: true,
          ...options,
        }),
    })
  },
})

describe('a visitor', () => {
  test.for(['websocket', 'sse'] as const)(
    'gets a session when first refused, and follows runs over %s',
    async (transport, { page }) => {
      const storage = createStorage()
      const client = page.open({ transport, anonymous: { storage } })
      // Requests at once create one session.
      const [run] = await Promise.all([
        client.runs.create({ agentKey: 'chat' }),
        client.runs.create({ agentKey: 'chat' }),
        client.conversations.list(),
      ])
      const types: string[] = []
      for await (const event of run.events()) types.push(event.type)
      expect(types).toContain('assistant.message')
      expect(await run.result()).toBe('anonymous')
      expect(await page.sessions()).toBe(1)
      expect([...storage.items.keys()]).toEqual(['agent-runtime.visitor'])
      // The visitor comes back in another tab.
      expect((await page.open({ anonymous: { storage } }).runs.list()).count).toBe(2)
      expect(await page.sessions()).toBe(1)
      // This is another visitor's browser.
      expect((await page.open({ anonymous: { storage: createStorage() } }).runs.list()).count).toBe(0)
    },
  )

  test('gets a new session when the first is over', async ({ page, database }) => {
    const client = page.open()
    await client.runs.create({ agentKey: 'chat' })
    await database.sql('UPDATE agent_runtime.anonymous_session SET expires_at = now()')
    const run = await client.runs.create({ agentKey: 'chat' })
    expect(await run.result()).toBe('anonymous')
    expect((await client.runs.list()).count).toBe(1)
    expect(await page.sessions()).toBe(2)
  })

  test('gets a session at another path', async ({ page }) => {
    const storage = createStorage()
    const path = `${page.url}/api/accounts/anonymous-session/`
    await page.open({ anonymous: { storage, key: 'guest', path } }).runs.create({ agentKey: 'chat' })
    expect(storage.items.get('guest')).toMatch(/^[\w-]{43}$/)
  })

  test('is refused if the server creates no sessions any more', async ({ page, database }) => {
    const add = `INSERT INTO agent_runtime.anonymous_session (id, owner_id, address_hash, expires_at)
      SELECT gen_random_uuid(), n::text, sha256('127.0.0.1'), now() FROM generate_series(1, 100) AS n`
    await database.sql(add)
    await expect(page.open().runs.create({ agentKey: 'chat' })).rejects.toMatchObject({
      code: 'unauthorized',
    })
  })

  test('claims what they had after signing in, and is no visitor any more', async ({ page }) => {
    const storage = createStorage()
    let headers: Record<string, string> = {}
    const client = page.open({ headers: () => headers, anonymous: { storage } })
    expect(await client.sessions.claim()).toBeNull()
    const run = await client.runs.create({ agentKey: 'chat' })
    await run.result()
    // Nobody has signed in yet.
    await expect(client.sessions.claim()).rejects.toMatchObject({ code: 'forbidden' })
    headers = { authorization: 'Bearer ada' }
    expect((await client.runs.list()).count).toBe(0)
    expect(await client.sessions.claim()).toEqual({ conversations: 0, runs: 1 })
    expect(await client.sessions.claim()).toBeNull()
    expect(storage.items.size).toBe(0)
    expect((await client.runs.list()).items.map(({ id }) => id)).toEqual([run.id])
  })

  test('has nothing to claim after an earlier claim', async ({ page }) => {
    const storage = createStorage()
    const client = page.open({ headers: { authorization: 'Bearer ada' }, anonymous: { storage } })
    await page.open({ anonymous: { storage } }).runs.create({ agentKey: 'chat' })
    await page.server.runtime.sessions.claim(ADA, String(storage.getItem('agent-runtime.visitor')))
    expect(await client.sessions.claim()).toBeNull()
    expect(storage.items.size).toBe(0)
  })

  test('is never a caller who has signed in, by a cookie or by a token', async ({ page }) => {
    const run = await page.open({ headers: { 'x-cookie': 'ada' } }).runs.create({ agentKey: 'chat' })
    expect(await run.result()).toBe('user')
    await expect(
      page.open({ headers: { authorization: 'Bearer old' } }).runs.create({ agentKey: 'chat' }),
    ).rejects.toMatchObject({ code: 'unauthorized' })
    expect(await page.sessions()).toBe(0)
  })
})
