import { describe, expect, it } from 'vitest'
import { chooseTransport } from '../../../client/choose-transport.ts'
import type { HeadersOption } from '../../../client/links.ts'
import { createSocketTransport } from '../../../client/socket-transport.ts'
import { createSockets } from '../../../client/sockets.ts'
import type { RunTransport } from '../../../client/transport.ts'
import { FakeSocket, fakeWebSocket } from './fake-socket.ts'
import { fakeClock, fakeTransport, RUN_ID, runEvent, settled } from './fake-transport.ts'

interface SceneOptions {
  headers?: HeadersOption
  fallsBack?: boolean
}

function scene({ headers, fallsBack = true }: SceneOptions = {}) {
  const clock = fakeClock()
  const http = fakeTransport()
  const sockets = createSockets({
    WebSocket: fakeWebSocket(),
    url: 'ws://server.test/trpc',
    clock,
    openTimeoutMs: 3_000,
    headStartMs: 300,
    keepAliveMs: 10_000,
    lingerMs: 500,
  })
  const transport = createSocketTransport({
    sockets,
    headers,
    prefix: '',
    http,
    fallsBack,
    clock,
    headStartMs: 300,
  })
  return { clock, http, transport, open: (lastEventId = 0) => open(transport, lastEventId) }
}

/** A stream, and what its reader has heard. */
async function open(transport: RunTransport, lastEventId = 0) {
  const heard: string[] = []
  const close = transport.openStream(
    { runId: RUN_ID, lastEventId },
    {
      onOpened: () => heard.push('opened'),
      onEvent: ({ seq }) => heard.push(`event ${seq}`),
      onCompleted: () => heard.push('completed'),
      onFailed: ({ code, message }) => heard.push(`${code}: ${message}`),
    },
  )
  await settled()
  return { heard, close }
}

const socket = (index = 0): FakeSocket => FakeSocket.opened[index]!
const started = (id: number) => ({ id, result: { type: 'started' } })
const running = (id: number) => ({ id, result: { type: 'started', reconnectAfterInactivityMs: 4_500 } })
const refused = (id: number, code: string, details: object) => ({
  id,
  error: { code: -32600, message: 'No.', data: { error: { error: 'No.', code, details } } },
})
const stopped = (id: number) => ({ id, result: { type: 'stopped' } })
const event = (id: number, seq: number) => ({
  id,
  result: { type: 'data', id: String(seq), data: { id: String(seq), data: runEvent(seq) } },
})

describe('streams', () => {
  it('share a socket that is opened for the first and closed a moment after the last', async () => {
    const { clock, open } = scene({ headers: async () => ({ authorization: 'Bearer 1' }) })
    expect(FakeSocket.opened).toHaveLength(0)
    const one = await open()
    const two = await open(7)
    expect(FakeSocket.opened).toHaveLength(1)
    expect(socket().url).toBe('ws://server.test/trpc?connectionParams=1')
    expect(socket().sent).toEqual([])
    socket().accept()
    expect(socket().sent).toEqual([
      { method: 'PING' },
      { method: 'connectionParams', data: { authorization: 'Bearer 1' } },
      { id: 1, method: 'subscription', params: { path: 'runs.events', input: { runId: RUN_ID } } },
      {
        id: 2,
        method: 'subscription',
        params: { path: 'runs.events', input: { runId: RUN_ID, lastEventId: '7' } },
      },
    ])
    for (const message of [started(1), started(2), event(2, 8), event(1, 1), stopped(1)])
      socket().say(message)
    expect(one.heard).toEqual(['opened', 'event 1', 'completed'])
    expect(two.heard).toEqual(['opened', 'event 8'])
    two.close()
    expect(socket().methods.at(-1)).toBe('subscription.stop 2')
    await clock.advance(499)
    expect(socket().isClosed).toBe(false)
    await clock.advance(1)
    expect(socket().isClosed).toBe(true)
    expect(clock.sleeping).toBe(0)
    await open()
    expect(FakeSocket.opened).toHaveLength(2)
  })

  it('that begin in that moment keep the socket', async () => {
    const { clock, open } = scene()
    const one = await open()
    socket().accept()
    socket().say(started(1))
    one.close()
    await clock.advance(400)
    await open()
    await clock.advance(400)
    expect(socket().isClosed).toBe(false)
    expect(FakeSocket.opened).toHaveLength(1)
  })

  it('that are left before they have started are stopped when they have', async () => {
    const { open } = scene()
    const { heard, close } = await open()
    socket().accept()
    close()
    expect(socket().methods).not.toContain('subscription.stop 1')
    socket().say(started(1))
    socket().say(event(1, 1))
    expect(socket().methods).toContain('subscription.stop 1')
    expect(heard).toEqual([])
  })

  it('that are left before there are headers open nothing', async () => {
    const ready = Promise.withResolvers<Record<string, string>>()
    const { transport } = scene({ headers: () => ready.promise })
    const { close } = await open(transport)
    close()
    ready.resolve({})
    await settled()
    expect(FakeSocket.opened).toHaveLength(0)
  })

  it('of another caller have a socket of their own', async () => {
    let user = 'ada'
    const { open } = scene({ headers: () => ({ user }) })
    await open()
    user = 'bob'
    await open()
    await open()
    expect(FakeSocket.opened).toHaveLength(2)
  })

  it('fail with what the server refused them for', async () => {
    const { open } = scene()
    const { heard } = await open()
    socket().accept()
    const data = { code: 'NOT_FOUND', httpStatus: 404, error: { error: 'No run.', code: 'not_found' } }
    socket().say({ id: 1, error: { code: -32004, message: 'No run.', data } })
    expect(heard).toEqual(['not_found: No run.'])
  })

  it('that a socket does not carry any more go over another, which takes those to come', async () => {
    const { open } = scene()
    const streams = [await open(), await open(), await open()]
    socket().accept()
    for (const id of [1, 2]) socket().say(started(id))
    socket().say(refused(3, 'rate_limited', { maxSubscriptions: 2 }))
    expect(FakeSocket.opened).toHaveLength(2)
    await open()
    socket(1).accept()
    for (const id of [1, 2]) socket(1).say(started(id))
    expect(streams.map(({ heard }) => heard)).toEqual([['opened'], ['opened'], ['opened']])
    streams[0]?.close()
    socket().say(stopped(1))
    await open()
    expect(FakeSocket.opened).toHaveLength(2)
    expect(socket().methods.at(-1)).toBe('subscription 4')
  })

  it('go over HTTP where the server takes no such headers over a socket', async () => {
    const { http, open } = scene({ headers: { 'x-team': 'red' } })
    const { heard } = await open(3)
    socket().accept()
    socket().say(refused(1, 'forbidden', { refusedHeaders: ['x-team'] }))
    expect(http.streams[0]?.request).toEqual({ runId: RUN_ID, lastEventId: 3 })
    http.streams[0]?.onOpened()
    expect(heard).toEqual(['opened'])
    await open()
    expect(FakeSocket.opened).toHaveLength(1)
    expect(http.streams).toHaveLength(2)
  })

  it('fail for such headers where nothing but a socket is wanted', async () => {
    const { http, open } = scene({ headers: { 'x-team': 'red' }, fallsBack: false })
    const { heard } = await open()
    socket().accept()
    socket().say(refused(1, 'forbidden', { refusedHeaders: ['x-team'] }))
    expect(heard).toEqual(['forbidden: No.'])
    expect(http.streams).toHaveLength(0)
  })

  it('fail with what kept headers from being had', async () => {
    const { open } = scene({ headers: () => Promise.reject(new Error('signed out')) })
    expect((await open()).heard).toEqual(['unavailable: The server did not answer: signed out'])
  })
})

describe('a socket that is lost', () => {
  const lose: Record<string, (socket: FakeSocket) => void> = {
    'because it broke off': (socket) => socket.fail(),
    'because the server stops': (socket) => socket.say({ id: null, method: 'reconnect' }),
    'for all at once': (socket) =>
      socket.say({ id: null, error: { code: -32600, message: 'No.', data: {} } }),
    'because it carries something else': (socket) => socket.say('<html>'),
  }
  it.each(Object.entries(lose))(
    '%s fails each of its streams once, and opens nothing',
    async (_why, lost) => {
      const { http, open } = scene()
      const streams = [await open(), await open()]
      socket().accept()
      socket().say(started(1))
      lost(socket())
      socket().say(event(1, 1))
      expect(socket().isClosed).toBe(true)
      for (const { heard } of streams)
        expect(heard.filter((what) => what.startsWith('unavailable'))).toHaveLength(1)
      expect(streams[0]?.heard).toHaveLength(2)
      expect(FakeSocket.opened).toHaveLength(1)
      expect(http.streams).toHaveLength(0)
      await open()
      expect(FakeSocket.opened).toHaveLength(2)
    },
  )

  it('without being closed is found out by asking', async () => {
    const { clock, open } = scene()
    const { heard } = await open()
    socket().accept()
    socket().say(started(1))
    await clock.advance(6_000)
    socket().say('PING')
    expect(socket().methods.at(-1)).toBe('PONG')
    await clock.advance(6_000)
    const pings = () => socket().methods.filter((method) => method === 'PING').length
    expect(pings()).toBe(1)
    await clock.advance(4_000)
    expect(pings()).toBe(2)
    socket().say('PONG')
    await clock.advance(10_000)
    await clock.advance(0)
    expect(pings()).toBe(3)
    expect(heard).toEqual(['opened'])
    await clock.advance(10_000)
    expect(heard[1]).toContain('it carried nothing any more')
    expect(socket().isClosed).toBe(true)
  })

  it.each([0, 10_500, 12_000, 60_000])(
    'without being closed is found out 4.5 s after a run began to run, where nothing was said for %i ms before',
    async (silentMs) => {
      const { clock, open } = scene()
      const { heard } = await open()
      socket().accept()
      socket().say(started(1))
      // The server is there until the run is running.
      const pass = async (ms: number, isThere: boolean) => {
        for (let left = ms; left > 0; left -= 250) {
          const asked = socket().methods.length
          await clock.advance(250)
          if (isThere && socket().methods.length > asked) socket().say('PONG')
        }
      }
      await pass(silentMs, true)
      socket().say(running(1))
      await pass(4_250, false)
      expect(heard).toEqual(['opened'])
      await pass(250, false)
      expect(heard).toEqual(['opened', expect.stringContaining('it carried nothing any more')])
    },
  )

  it('without being closed is found out sooner while the server says that a run is running', async () => {
    const { clock, open } = scene()
    const { heard } = await open()
    const other = await open()
    socket().accept()
    for (const id of [1, 2]) socket().say(started(id))
    await clock.advance(1_000)
    socket().say(running(1))
    const pings = () => socket().methods.filter((method) => method === 'PING').length
    await clock.advance(2_249)
    expect(pings()).toBe(1)
    await clock.advance(1)
    expect(pings()).toBe(2)
    socket().say('PONG')
    await clock.advance(2_249)
    // Now it waits for somebody.
    socket().say(started(1))
    await clock.advance(9_999)
    expect(pings()).toBe(2)
    socket().say(running(1))
    await clock.advance(2_250)
    await clock.advance(2_250)
    expect(heard).toEqual(['opened', expect.stringContaining('it carried nothing any more')])
    expect(other.heard).toEqual(heard)
  })
})

describe('where sockets do not work', () => {
  const unusable: Record<string, (socket: FakeSocket, pass: (ms: number) => Promise<void>) => unknown> = {
    'they are refused': (socket) => socket.fail(),
    'they never open': (_socket, pass) => pass(3_000),
    'nothing is heard over them': (socket, pass) => {
      socket.dispatchEvent(new Event('open'))
      return pass(3_000)
    },
  }
  it.each(Object.entries(unusable))('because %s, streams go over HTTP', async (_why, happens) => {
    const { clock, http, open } = scene()
    const { heard, close } = await open(3)
    await happens(socket(), clock.advance)
    expect(http.streams[0]?.request).toEqual({ runId: RUN_ID, lastEventId: 3 })
    http.streams[0]?.onOpened()
    expect(heard).toEqual(['opened'])

    // And those after it at once, for some minutes.
    await open()
    expect(FakeSocket.opened).toHaveLength(1)
    expect(http.streams).toHaveLength(2)
    close()
    expect(http.streams[0]?.isClosed).toBe(true)
    await clock.advance(5 * 60_000)
    await open()
    expect(FakeSocket.opened).toHaveLength(2)
  })

  it('or are slow, a stream goes over HTTP after a moment, and moves to the socket once that works', async () => {
    const { clock, http, open } = scene()
    const { heard, close } = await open(3)
    await clock.advance(299)
    expect(http.streams).toHaveLength(0)
    await clock.advance(1)
    expect(http.streams[0]?.request).toEqual({ runId: RUN_ID, lastEventId: 3 })
    http.streams[0]?.onOpened()
    http.streams[0]?.onEvent(runEvent(4))
    socket().accept()
    socket().say(started(1))
    socket().say(event(1, 4))
    expect(heard).toEqual(['opened', 'event 4'])
    expect(http.streams[0]?.isClosed).toBe(true)
    expect(socket().methods.slice(-2)).toEqual(['subscription.stop 1', 'subscription 2'])
    expect(socket().sent.at(-1)).toMatchObject({ params: { input: { lastEventId: '4' } } })
    for (const message of [started(2), event(2, 5)]) socket().say(message)
    expect(heard).toEqual(['opened', 'event 4', 'opened', 'event 5'])
    await open()
    await clock.advance(300)
    expect(http.streams).toHaveLength(1)
    close()
    expect(socket().methods.at(-1)).toBe('subscription.stop 2')
  })

  it('or are slow, some of many streams go over HTTP, so that calls have connections left', async () => {
    const { clock, http, open } = scene()
    const streams = await Promise.all(Array.from({ length: 30 }, async () => open()))
    await clock.advance(350)
    expect(http.streams).toHaveLength(4)
    for (const stream of http.streams) stream.onOpened()
    socket().accept()
    for (let id = 1; id <= 34; id += 1) socket().say(started(id))
    expect(http.streams.every(({ isClosed }) => isClosed)).toBe(true)
    expect(streams.every(({ heard }) => heard.at(-1) === 'opened')).toBe(true)
    expect(FakeSocket.opened).toHaveLength(1)
  })

  it('or are slow, what is over before they work is not asked for again', async () => {
    const { clock, http, open } = scene()
    const { heard } = await open()
    await clock.advance(300)
    http.streams[0]?.onOpened()
    http.streams[0]?.onCompleted()
    socket().accept()
    socket().say(started(1))
    expect(heard).toEqual(['opened', 'completed'])
    expect(socket().methods.filter((method) => method.startsWith('subscription '))).toHaveLength(1)
  })

  it('a reader that leaves in that moment leaves nothing behind', async () => {
    const { clock, http, open } = scene()
    const { heard, close } = await open()
    close()
    await clock.advance(3_000)
    expect([heard, http.streams.length, clock.sleeping]).toEqual([[], 0, 0])
  })

  it('a server that is away altogether proves nothing about them', async () => {
    const { http, open } = scene()
    await open()
    socket().fail()
    expect(http.streams).toHaveLength(1)
    await open()
    expect(FakeSocket.opened).toHaveLength(2)
  })

  it('but have worked, they are tried some times more', async () => {
    const { http, open } = scene()
    await open()
    socket().accept()
    socket().say(started(1))
    socket().fail()
    for (let tries = 1; tries <= 5; tries += 1) {
      expect(http.streams).toHaveLength(0)
      await open()
      socket(tries).fail()
    }
    expect(http.streams).toHaveLength(1)
    // Which tells of this one alone.
    http.streams[0]?.onOpened()
    await open()
    expect(FakeSocket.opened).toHaveLength(7)
  })

  it('and nothing else is wanted, streams fail', async () => {
    const { http, open } = scene({ fallsBack: false })
    const { heard } = await open()
    socket().fail()
    expect(heard).toEqual(['unavailable: The server did not answer: The socket was lost: it broke off.'])
    expect(http.streams).toHaveLength(0)
  })
})

describe('the transport', () => {
  const url = 'http://server.test/trpc'
  const http = fakeTransport()
  const choose = (options: Partial<Parameters<typeof chooseTransport>[1]>) =>
    chooseTransport(http, { url, WebSocket: fakeWebSocket(), ...options })

  it('is a socket by itself, unless something was given that it would bypass', () => {
    expect(choose({})).not.toBe(http)
    expect(choose({ fetch: globalThis.fetch })).toBe(http)
    expect(choose({ EventSource: fakeWebSocket() as unknown as typeof EventSource })).toBe(http)
    expect(choose({ url: '/trpc' })).toBe(http)
    expect(choose({ fetch: globalThis.fetch, transport: 'websocket' })).not.toBe(http)
    expect(choose({ transport: 'sse' })).toBe(http)
  })

  it('is found at the address of the router', async () => {
    for (const [given, asked] of [
      ['http://server.test/trpc', 'ws://server.test/trpc?connectionParams=1'],
      ['https://server.test/api/trpc?v=1', 'wss://server.test/api/trpc?v=1&connectionParams=1'],
    ] as const) {
      await open(choose({ url: given }))
      expect(socket().url).toBe(asked)
    }
  })
})
