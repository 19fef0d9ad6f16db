// The code that follows runs and conversations is loaded with the first stream. A failed load counts as a lost connection.
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { AgentClientOptions } from '../../../client/create-client.ts'
import { createAgentClient } from '../../../client/create-client.ts'
import type { HasAgents } from '../../../server/contract/agent-shape.ts'
import { fakeServer } from './fake-server.ts'
import { settled } from './fake-transport.ts'

type Runtime = HasAgents<{ key: 'chat'; params: undefined; output: { response: string }; events: object }>

/** How each load of the code fails, in turn. Later loads succeed. */
const loading = vi.hoisted(() => ({ count: 0, next: [] as (() => unknown)[] }))
vi.mock(import('../../../client/streams.ts'), async (importOriginal) => {
  const { createStreams } = await importOriginal()
  return {
    createStreams: (...given) => {
      loading.count += 1
      const fate = loading.next.shift()
      return fate === undefined ? createStreams(...given) : (fate() as never)
    },
  }
})
afterEach(() => {
  loading.count = 0
  loading.next = []
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

const fails = () => {
  throw new TypeError('Failed to fetch dynamically imported module')
}
// The promise is awaited like the code itself.
const hangs = () => new Promise(() => {})

async function scene(reconnect: AgentClientOptions['reconnect'] = {}) {
  const server = fakeServer()
  const options = { url: 'http://server.test/trpc', fetch: server.fetch }
  const other = createAgentClient<Runtime>(options)
  const { id: runId } = await other.runs.create({ agentKey: 'chat' })
  const { id: conversationId } = await other.conversations.create({})
  await vi.waitFor(() => expect(loading.count).toBe(1))
  loading.count = 0
  const client = createAgentClient<Runtime>({
    ...options,
    reconnect: { initialDelayMs: 1, maxDelayMs: 1, ...reconnect },
  })
  const opened = () => server.requests.filter(({ url }) => url.includes('.events')).length
  return { server, client, runId, conversationId, opened }
}

type Scene = Awaited<ReturnType<typeof scene>>

/** Each function follows, and resolves with the error at its end. */
const FACES = {
  async 'the store of a run'({ client, runId }: Scene, signal?: AbortSignal) {
    const store = client.runs.store(runId)
    const error = Promise.withResolvers<unknown>()
    const unsubscribe = store.subscribe(() => {
      const snapshot = store.getSnapshot()
      if (!snapshot.isActive) error.resolve(snapshot.error)
    })
    signal?.addEventListener('abort', () => {
      store.close()
      unsubscribe()
      error.resolve(signal.reason)
    })
    return error.promise
  },
  async 'the events of a run'({ client, runId }: Scene, signal?: AbortSignal) {
    const run = await client.runs.follow(runId)
    return ended(run.events(signal ? { signal } : {}))
  },
  'the events of a conversation': ({ client, conversationId }: Scene, signal?: AbortSignal) =>
    ended(client.conversations.events(conversationId, signal ? { signal } : {})),
  'the tools of a run': ({ client, runId }: Scene, signal?: AbortSignal) =>
    client.runs.runTools(runId, {}, signal ? { signal } : {}).then(
      () => signal?.reason,
      (error: unknown) => error,
    ),
}

async function ended(events: AsyncIterable<unknown>): Promise<unknown> {
  try {
    for await (const _ of events);
    return null
  } catch (error) {
    return error
  }
}

function leavingLater(): AbortController {
  const leaving = new AbortController()
  onTestFinished(() => leaving.abort())
  return leaving
}

describe.each(Object.entries(FACES))('%s', (_, begin) => {
  it.each([1, 3])('opens its stream when the code is loaded after %d failures', async (failures) => {
    const given = await scene()
    loading.next = Array.from({ length: failures }, () => fails)
    void begin(given, leavingLater().signal)
    await vi.waitFor(() => expect(given.opened()).toBe(1))
    expect(loading.count).toBe(failures + 1)
  })

  it('ends with the error after as many failures as the policy allows', async () => {
    const given = await scene({ maxFailures: 2 })
    loading.next = Array.from({ length: 20 }, () => fails)
    const message = expect.stringContaining('dynamically imported module') as string
    expect(await begin(given)).toMatchObject({ code: 'unavailable', message })
    expect(given.opened()).toBe(0)
    expect(loading.count).toBe(3)
  })

  it('loads the code again if a load hangs for 30 seconds', async () => {
    const given = await scene()
    loading.next = [hangs]
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    void begin(given, leavingLater().signal)
    await vi.waitUntil(() => loading.count === 1)
    await settled()
    await vi.advanceTimersByTimeAsync(29_000)
    expect(loading.count).toBe(1)
    await vi.advanceTimersByTimeAsync(2_000)
    vi.useRealTimers()
    await vi.waitFor(() => expect(given.opened()).toBe(1))
    expect(loading.count).toBe(2)
  })

  it('loads nothing while the page is offline, and opens its stream once it is online', async () => {
    const given = await scene({ initialDelayMs: 60_000, maxDelayMs: 60_000 })
    const browser = new EventTarget()
    vi.stubGlobal('navigator', { onLine: false })
    vi.stubGlobal('removeEventListener', browser.removeEventListener.bind(browser))
    const listens = vi.spyOn(browser, 'addEventListener')
    vi.stubGlobal('addEventListener', browser.addEventListener.bind(browser))
    void begin(given, leavingLater().signal)
    await vi.waitFor(() => expect(listens).toHaveBeenCalledWith('online', expect.any(Function)))
    expect(loading.count).toBe(0)
    vi.stubGlobal('navigator', { onLine: true })
    browser.dispatchEvent(new Event('online'))
    await vi.waitFor(() => expect(given.opened()).toBe(1))
  })

  it('opens no stream for a reader who left while a load hung', async () => {
    const given = await scene()
    const code = Promise.withResolvers<unknown>()
    loading.next = [() => code.promise]
    const leaving = leavingLater()
    const end = begin(given, leaving.signal)
    await vi.waitFor(() => expect(loading.count).toBe(1))
    await settled()
    leaving.abort()
    expect(await end).toMatchObject({ name: 'AbortError' })
    code.resolve({})
    await settled()
    expect(given.opened()).toBe(0)
  })

  it('opens no stream for a reader who left between two tries', async () => {
    const given = await scene({ initialDelayMs: 60_000, maxDelayMs: 60_000 })
    loading.next = [fails]
    const leaving = leavingLater()
    const end = begin(given, leaving.signal)
    await vi.waitFor(() => expect(loading.count).toBe(1))
    await settled()
    leaving.abort()
    expect(await end).toMatchObject({ name: 'AbortError' })
    expect(given.opened()).toBe(0)
  })
})

it('a store shows that it recovers until the code is loaded', async () => {
  const { client, runId, server } = await scene()
  loading.next = [fails]
  const store = client.runs.store(runId)
  const seen: boolean[] = []
  store.subscribe(() => seen.push(store.getSnapshot().isRecovering))
  server.emit(runId, {})
  await vi.waitFor(() => expect(store.getSnapshot().lastSeq).toBe(1))
  expect([seen[0], seen.at(-1)]).toEqual([true, false])
  client.close()
})

it('events of a conversation without a cursor begin at the call, even if the code is loaded later', async () => {
  const { client, conversationId, server, opened } = await scene()
  loading.next = [hangs]
  const leaving = leavingLater()
  const events = client.conversations.events(conversationId, { after: 'now', signal: leaving.signal })
  void ended(events)
  await vi.waitFor(() => expect(server.requests.at(-1)?.url).toContain('conversations.get'))
  expect([loading.count, opened()]).toEqual([1, 0])
})

it('creating a run loads the code at once', async () => {
  const { client } = await scene()
  await client.runs.create({ agentKey: 'chat' })
  await vi.waitFor(() => expect(loading.count).toBe(1))
})
