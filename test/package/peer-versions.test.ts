// An app brings its own tRPC and zod. The package writes and reads tRPC's protocol by hand, so both are
// compared with the adapters and links of that version.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { createTestDatabase } from '../support/database.ts'
import { createPackedApp } from '../support/packed-app.ts'
import type { PackedApp } from '../support/packed-app.ts'

const OLDEST = { trpc: '11.17.0', zod: '4.1.0' }
const NEWEST = { trpc: '11.25.2', zod: '4.6.7' }
const PACKAGES = ['react', '@tanstack/react-query', '@hono/node-server', 'eventsource', 'ws']
const TYPES = ['typescript', '@types/node', '@types/react', '@types/ws']

interface Event {
  type: string
  seq: number
  payload: unknown
}

interface Heard {
  data: { id: string; data: Event }[]
  isComplete?: boolean
  shape?: unknown
}

interface Conversations {
  byLinks: Record<string, Record<'whole' | 'resumed' | 'missing', Heard>>
  byClient: Record<string, unknown>
}

test('the oldest are the first that npm accepts', () => {
  expect(manifest.peerDependencies).toMatchObject({
    '@trpc/client': `^${OLDEST.trpc}`,
    '@trpc/server': `^${OLDEST.trpc}`,
    zod: `^${OLDEST.zod}`,
  })
})

describe.each([OLDEST, NEWEST])('beside tRPC $trpc and zod $zod', ({ trpc, zod }) => {
  const own = [`@trpc/client@${trpc}`, `@trpc/server@${trpc}`, `zod@${zod}`]
  let app: PackedApp
  beforeAll(async () => {
    app = await createPackedApp('peers', [...own, ...PACKAGES, ...TYPES])
  })
  afterAll(() => app[Symbol.asyncDispose]())

  test('there are no others', async () => {
    const found = await app.run('npm', [
      'ls',
      '@trpc/client',
      '@trpc/server',
      'zod',
      '--all',
      '--parseable',
      '--long',
    ])
    const packages = found.match(/(?<=:)(@trpc\/)?\w+@[\d.]+$/gm)
    expect(packages?.toSorted()).toEqual(own)
  })

  test('server and page compile', async () => {
    expect(await app.typeErrors()).toEqual([])
  })

  test('a run is followed over server-sent events and WebSockets, by the client and by stock links', async () => {
    await using database = await createTestDatabase()
    const printed = await app.run('node', ['converse.ts'], {
      DATABASE_URL: database.url,
      LOG_LEVEL: 'silent',
    })
    const { byLinks, byClient } = JSON.parse(printed) as Conversations
    const { whole, resumed, missing } = byLinks['theirs, sse'] ?? {}
    const events = whole?.data.map(({ data }) => data) ?? []
    expect(events.filter(({ type }) => type === 'count').map(({ payload }) => payload)).toEqual([
      { n: 1 },
      { n: 2 },
      { n: 3 },
    ])
    expect(whole).toEqual({
      data: events.map((event) => ({ id: String(event.seq), data: event })),
      isComplete: true,
    })
    expect(resumed).toEqual({ data: whole?.data.slice(2), isComplete: true })
    expect(missing).toMatchObject({ data: [], shape: { code: 'NOT_FOUND', error: { code: 'not_found' } } })

    const heard = { whole, resumed, missing }
    // An app's own router has its own path to the procedure, and its own form of errors.
    const shape = { code: 'NOT_FOUND', httpStatus: 404, path: 'agents.runs.events' }
    const within = { whole, resumed, missing: { ...missing, shape: expect.objectContaining(shape) } }
    expect(byLinks).toEqual({
      'ours, sse': heard,
      'ours, websocket': heard,
      'theirs, sse': heard,
      'theirs, websocket': heard,
      'within, sse': within,
      'within, websocket': within,
    })
    const read = {
      whole: events,
      resumed: events.slice(2),
      live: events.map(({ type, seq }) => ({ type, seq })),
      missing: 'not_found',
    }
    expect(byClient).toEqual({
      'ours, sse': read,
      'ours, websocket': read,
      'theirs, sse': read,
      'theirs, websocket': read,
    })
  })
})
