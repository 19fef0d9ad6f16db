import { describe, expect, it, vi } from 'vitest'
import { initialRunState, reduceRun } from '../../../client/run-state.ts'
import type { SceneOptions } from './scene.ts'
import { createScene as createSceneWith } from './scene.ts'

const WAYS: Record<string, SceneOptions> = {
  'server-sent events': { transport: 'sse' },
  'server-sent events, for want of sockets': { hasSockets: false },
  'a socket': { hasSockets: true, transport: 'websocket' },
}

const PATIENT = { timeout: 60_000 }

async function collect<T>(events: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const event of events) all.push(event)
  return all
}

/** Resolves after so many more attempts to connect. */
async function tries(proxy: { connections: number }, more: number): Promise<void> {
  const enough = proxy.connections + more
  await vi.waitUntil(() => proxy.connections >= enough)
}

const ascending = (numbers: number[]) => numbers.every((n, index) => index === 0 || n > numbers[index - 1]!)

describe.each(Object.entries(WAYS))('over %s,', (_way, options) => {
  const createScene = (more: SceneOptions = {}) => createSceneWith({ ...options, ...more })

  describe('following a run over a network that fails', () => {
    it('hears every event once and in order, wherever the connection is cut', async () => {
      await using scene = await createScene()
      const words = 300
      const uncut = await scene.client.runs.create({ agentKey: 'talker', params: { words } })
      await uncut.result()
      const expected = await collect(uncut.events())
      const before = scene.proxy.connections

      // At least an answer's head and one event, so that there is progress. After that anywhere, also within an event.
      let cuts = 0
      scene.proxy.cutAfter(() => 1_500 + (((cuts += 1) * 379) % 3_000))
      const heard = await collect(uncut.events())
      expect(scene.proxy.connections - before).toBeGreaterThan(5)
      expect(heard).toEqual(expected)
      expect(ascending(heard.map(({ seq }) => seq))).toBe(true)
      expect(heard.reduce(reduceRun, initialRunState()).text.trim().split(' ')).toHaveLength(words)
    })

    it('delivers what was said while the network was down', async () => {
      await using scene = await createScene()
      const run = await scene.client.runs.create({ agentKey: 'scripted' })
      const script = scene.scriptOf(run.id)
      script.say('one')
      const said: string[] = []
      for await (const event of run.events()) {
        if (event.type !== 'assistant.message') continue
        said.push(event.payload.content)
        if (event.payload.content === 'one') {
          scene.proxy.refuse(true)
          scene.proxy.cut()
          script.say('two')
          script.say('three')
          void tries(scene.proxy, 3).then(() => {
            scene.proxy.refuse(false)
            script.finish()
          })
        }
      }
      expect(said).toEqual(['one', 'two', 'three'])
      expect(await run.result()).toEqual({ said: 3 })
    })

    it('notices a connection that is open but dead', async () => {
      await using scene = await createScene()
      const run = await scene.client.runs.create({ agentKey: 'scripted' })
      const script = scene.scriptOf(run.id)
      script.say('one')
      const said: string[] = []
      for await (const event of run.events()) {
        if (event.type !== 'assistant.message') continue
        said.push(event.payload.content)
        if (event.payload.content !== 'one') continue
        scene.proxy.stall()
        script.say('two')
        script.finish()
      }
      expect(said).toEqual(['one', 'two'])
    })

    it('expects signs of life often while the run runs, whatever the usual interval is', async () => {
      await using scene = await createScene({ keepAliveSeconds: 600 })
      const run = await scene.client.runs.create({ agentKey: 'scripted' })
      const script = scene.scriptOf(run.id)
      const store = scene.client.runs.store(run.id)
      const stop = store.subscribe(() => {})
      script.say('one')
      await vi.waitUntil(() => store.getSnapshot().text === 'one', PATIENT)
      scene.proxy.refuse(true)
      scene.proxy.stall()
      await vi.waitUntil(() => store.getSnapshot().isRecovering, PATIENT)
      scene.proxy.refuse(false)
      script.say('two')
      await vi.waitUntil(() => store.getSnapshot().text === 'two', PATIENT)
      script.finish()
      expect(await run.result()).toEqual({ said: 2 })
      stop()
    }, 120_000)

    it('survives a restart of the server', async () => {
      await using scene = await createScene()
      const run = await scene.client.runs.create({ agentKey: 'scripted' })
      const script = scene.scriptOf(run.id)
      script.say('before')
      const said: string[] = []
      for await (const event of run.events()) {
        if (event.type !== 'assistant.message') continue
        said.push(event.payload.content)
        if (event.payload.content !== 'before') continue
        await scene.restartServer()
        script.say('after')
        script.finish()
      }
      expect(said).toEqual(['before', 'after'])
      expect(await run.result()).toEqual({ said: 2 })
    })

    it('shows that it recovers', async () => {
      await using scene = await createScene()
      const run = await scene.client.runs.create({ agentKey: 'scripted' })
      const store = scene.client.runs.store(run.id)
      using leave = { [Symbol.dispose]: store.subscribe(() => {}) }
      scene.scriptOf(run.id).say('one')
      await vi.waitFor(() => expect(store.getSnapshot().text).toBe('one'))
      scene.proxy.refuse(true)
      scene.proxy.cut()
      await vi.waitFor(() => expect(store.getSnapshot().isRecovering).toBe(true))
      scene.proxy.refuse(false)
      scene.scriptOf(run.id).say('two')
      await vi.waitFor(() => expect(store.getSnapshot()).toMatchObject({ isRecovering: false, text: 'two' }))
      scene.scriptOf(run.id).finish()
      await vi.waitFor(() =>
        expect(store.getSnapshot()).toMatchObject({ status: 'succeeded', output: { said: 2 } }),
      )
      expect(leave).toBeDefined()
    })
  })

  describe('following a run', () => {
    it('begins after the given event', async () => {
      await using scene = await createScene()
      const run = await scene.client.runs.create({ agentKey: 'talker', params: { words: 20 } })
      await run.result()
      const all = await collect(run.events())
      const middle = all[Math.floor(all.length / 2)]!.seq
      expect(await collect(run.events({ from: middle }))).toEqual(all.filter(({ seq }) => seq > middle))
    })

    it('delivers debug events on request', async () => {
      await using scene = await createScene()
      const run = await scene.client.runs.create({ agentKey: 'scripted' })
      scene.scriptOf(run.id).say('one')
      scene.scriptOf(run.id).finish()
      const types = (events: { type: string }[]) => new Set(events.map(({ type }) => type))
      expect(types(await collect(run.events()))).toEqual(
        new Set(['run.started', 'note', 'assistant.message', 'run.succeeded']),
      )
      expect(types(await collect(run.events({ includeDebug: true })))).toContain('secret')
      expect(types(await collect(run.events({ includeAll: true })))).toContain('run.succeeded')
    })

    it('can stop without cancelling the run', async () => {
      await using scene = await createScene()
      const run = await scene.client.runs.create({ agentKey: 'scripted' })
      scene.scriptOf(run.id).say('one')
      for await (const _ of run.events()) break
      scene.scriptOf(run.id).finish()
      expect(await run.result()).toEqual({ said: 1 })
    })
  })

  describe('a run', () => {
    it('rejects as cancelled once it is cancelled', async () => {
      await using scene = await createScene()
      const run = await scene.client.runs.create({ agentKey: 'scripted' })
      scene.scriptOf(run.id).say('one')
      for await (const _ of run.events()) break
      const result = run.result()
      await run.cancel()
      await expect(result).rejects.toMatchObject({ name: 'RunFailedError', code: 'cancelled' })
      await expect(run.cancel()).rejects.toMatchObject({ name: 'AgentRuntimeError', code: 'conflict' })
    })

    it('rejects with what its user may know once it has failed', async () => {
      await using scene = await createScene()
      const run = await scene.client.runs.create({ agentKey: 'failing' })
      const error = await run.result().catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ name: 'RunFailedError', code: 'failed' })
      expect(String(error)).not.toContain('a detail for the log')
    })

    it('resolves with the output that its agent declares', async () => {
      await using scene = await createScene()
      const run = await scene.client.runs.create({ agentKey: 'talker', params: { words: 7 } })
      expect((await run.result()).words).toBe(7)
      expect((await run.get()).status).toBe('succeeded')
      const followed = await scene.client.runs.follow(run.id)
      expect(await followed.result()).toEqual({ words: 7 })
    })
  })

  describe('a caller', () => {
    it('finds no run of another user, by any method', async () => {
      await using scene = await createScene()
      const { id } = await scene.client.runs.create({ agentKey: 'scripted' })
      const stranger = scene.clientOf('bob')
      const missing = { name: 'AgentRuntimeError', code: 'not_found' }
      await expect(stranger.runs.get(id)).rejects.toMatchObject(missing)
      await expect(stranger.runs.follow(id)).rejects.toMatchObject(missing)
      await expect(stranger.runs.cancel(id)).rejects.toMatchObject(missing)
      const store = stranger.runs.store(id)
      using leave = { [Symbol.dispose]: store.subscribe(() => {}) }
      await vi.waitFor(() =>
        expect(store.getSnapshot()).toMatchObject({
          status: 'not_found',
          isActive: false,
          error: { code: 'not_found' },
        }),
      )
      expect(leave).toBeDefined()
      expect((await stranger.runs.list()).count).toBe(0)
    })

    it('without a known identity is unauthorized, also for streams', async () => {
      await using scene = await createScene()
      const { id } = await scene.client.runs.create({ agentKey: 'scripted' })
      const nobody = scene.clientOf(null)
      await expect(nobody.runs.list()).rejects.toMatchObject({ code: 'unauthorized' })
      const store = nobody.runs.store(id)
      using leave = { [Symbol.dispose]: store.subscribe(() => {}) }
      await vi.waitFor(() => expect(store.getSnapshot().error).toMatchObject({ code: 'unauthorized' }))
      expect(leave).toBeDefined()
    })

    it('gets a reason if the agent or its params are wrong', async () => {
      await using scene = await createScene()
      const create = scene.client.runs.create
      // @ts-expect-error a caller without types could send this
      await expect(create({ agentKey: 'nobody' })).rejects.toMatchObject({ code: 'unknown_agent' })
      await expect(create({ agentKey: 'talker', params: { words: 0 } })).rejects.toMatchObject({
        code: 'validation_failed',
        details: [{ path: 'params.words' }],
      })
    })
  })
})

describe('a server that takes sockets', () => {
  it('carries several runs over one socket, and over one again after a restart', async () => {
    await using scene = await createSceneWith({ hasSockets: true })
    const runs = await Promise.all(
      Array.from({ length: 10 }, () => scene.client.runs.create({ agentKey: 'scripted' })),
    )
    const scripts = runs.map(({ id }) => scene.scriptOf(id))
    for (const script of scripts) script.say('before')
    const heard = Promise.withResolvers<void>()
    let waiting = runs.length
    const following = runs.map(async (run) => {
      const said: string[] = []
      for await (const event of run.events()) {
        if (event.type !== 'assistant.message') continue
        said.push(event.payload.content)
        if (said.length === 1 && (waiting -= 1) === 0) heard.resolve()
      }
      return said
    })
    await heard.promise
    expect(scene.sockets).toBe(1)
    await scene.restartServer()
    for (const script of scripts) {
      script.say('after')
      script.finish()
    }
    expect(await Promise.all(following)).toEqual(runs.map(() => ['before', 'after']))
    expect(scene.sockets).toBe(1)
  })
})
