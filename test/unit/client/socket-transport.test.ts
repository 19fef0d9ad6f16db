import { describe, expect, it } from 'vitest'
import { chooseTransport } from '../../../client/choose-transport.ts'
import { FakeSocket, fakeWebSocket } from './fake-socket.ts'
import { fakeTransport, RUN_ID, settled } from './fake-transport.ts'
import { scene, open, socket, started, event } from './socket-scene.ts'

const refused = (id: number, code: string, details: object) => ({
  id,
  error: { code: -32600, message: 'No.', data: { error: { error: 'No.', code, details } } },
})
const stopped = (id: number) => ({ id, result: { type: 'stopped' } })

describe('streams', () => {
  it('share a socket that opens for the first stream and closes a moment after the last', async () => {
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

  it('keep the socket if they begin in that moment', async () => {
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

  it('that are left before they start are stopped when they start', async () => {
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

  it('that are left before the headers are known open nothing', async () => {
    const ready = Promise.withResolvers<Record<string, string>>()
    const { transport } = scene({ headers: () => ready.promise })
    const { close } = await open(transport)
    close()
    ready.resolve({})
    await settled()
    expect(FakeSocket.opened).toHaveLength(0)
  })

  it('of another caller use another socket', async () => {
    let user = 'ada'
    const { open } = scene({ headers: () => ({ user }) })
    await open()
    user = 'bob'
    await open()
    await open()
    expect(FakeSocket.opened).toHaveLength(2)
  })

  it('fail with the reason of the server’s refusal', async () => {
    const { open } = scene()
    const { heard } = await open()
    socket().accept()
    const data = { code: 'NOT_FOUND', httpStatus: 404, error: { error: 'No run.', code: 'not_found' } }
    socket().say({ id: 1, error: { code: -32004, message: 'No run.', data } })
    expect(heard).toEqual(['not_found: No run.'])
  })

  it('that a full socket refuses use another socket, which takes later streams', async () => {
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

  it('use HTTP if the server refuses their headers over a socket', async () => {
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

  it('fail for such headers if only a socket is allowed', async () => {
    const { http, open } = scene({ headers: { 'x-team': 'red' }, fallsBack: false })
    const { heard } = await open()
    socket().accept()
    socket().say(refused(1, 'forbidden', { refusedHeaders: ['x-team'] }))
    expect(heard).toEqual(['forbidden: No.'])
    expect(http.streams).toHaveLength(0)
  })

  it('fail with the error of the function for headers', async () => {
    const { open } = scene({ headers: () => Promise.reject(new Error('signed out')) })
    expect((await open()).heard).toEqual(['unavailable: The server did not answer: signed out'])
  })
})

describe('the transport', () => {
  const url = 'http://server.test/trpc'
  const http = fakeTransport()
  const choose = (options: Partial<Parameters<typeof chooseTransport>[1]>) =>
    chooseTransport(http, { url, WebSocket: fakeWebSocket(), ...options })

  it('is a socket by default, unless a given option would be bypassed', () => {
    expect(choose({})).not.toBe(http)
    expect(choose({ fetch: globalThis.fetch })).toBe(http)
    expect(choose({ EventSource: fakeWebSocket() as unknown as typeof EventSource })).toBe(http)
    expect(choose({ url: '/trpc' })).toBe(http)
    expect(choose({ fetch: globalThis.fetch, transport: 'websocket' })).not.toBe(http)
    expect(choose({ transport: 'sse' })).toBe(http)
  })

  it('connects to the address of the router', async () => {
    for (const [given, asked] of [
      ['http://server.test/trpc', 'ws://server.test/trpc?connectionParams=1'],
      ['https://server.test/api/trpc?v=1', 'wss://server.test/api/trpc?v=1&connectionParams=1'],
    ] as const) {
      await open(choose({ url: given }))
      expect(socket().url).toBe(asked)
    }
  })
})
