import { describe, expect, it } from 'vitest'
import { FakeSocket } from './fake-socket.ts'
import { RUN_ID, runEvent } from './fake-transport.ts'
import { scene, socket, started, event } from './socket-scene.ts'

describe('if sockets do not work', () => {
  const unusable: Record<string, (socket: FakeSocket, pass: (ms: number) => Promise<void>) => unknown> = {
    'they are refused': (socket) => socket.fail(),
    'they never open': (_socket, pass) => pass(3_000),
    'nothing is heard over them': (socket, pass) => {
      socket.dispatchEvent(new Event('open'))
      return pass(3_000)
    },
  }
  it.each(Object.entries(unusable))('because %s, streams use HTTP', async (_why, happens) => {
    const { clock, http, open } = scene()
    const { heard, close } = await open(3)
    await happens(socket(), clock.advance)
    expect(http.streams[0]?.request).toEqual({ runId: RUN_ID, lastEventId: 3 })
    http.streams[0]?.onOpened()
    expect(heard).toEqual(['opened'])

    // Later streams use HTTP at once, for some seconds.
    const other = await open()
    expect(FakeSocket.opened).toHaveLength(1)
    expect(http.streams).toHaveLength(2)
    close()
    other.close()
    expect(http.streams.every(({ isClosed }) => isClosed)).toBe(true)
    await clock.advance(5_000)
    expect(clock.sleeping).toBe(0)
    await open()
    expect(FakeSocket.opened).toHaveLength(2)
  })

  it('the first time, streams move to the next socket, because a browser has few connections for HTTP', async () => {
    const { clock, http, open } = scene()
    const streams = await Promise.all(Array.from({ length: 30 }, async () => open()))
    await clock.advance(3_000)
    expect(http.streams).toHaveLength(30)
    // Six streams get a connection. The others wait until one of those ends.
    for (const stream of http.streams.slice(0, 6)) stream.onOpened()
    streams.push(await open())
    expect(FakeSocket.opened).toHaveLength(1)

    await clock.advance(5_000)
    expect(FakeSocket.opened).toHaveLength(2)
    http.streams[0]?.onEvent(runEvent(1))
    socket(1).accept()
    for (let id = 1; id <= 32; id += 1) socket(1).say(started(id))
    expect(http.streams.every(({ isClosed }) => isClosed)).toBe(true)
    expect(socket(1).sent.at(-1)).toMatchObject({ id: 32, params: { input: { lastEventId: '1' } } })
    for (let id = 2; id <= 32; id += 1) socket(1).say(event(id, id === 32 ? 2 : 1))
    expect(streams[0]?.heard).toEqual(['opened', 'event 1', 'opened', 'event 2'])
    for (const { heard } of streams.slice(1)) expect(heard.slice(-2)).toEqual(['opened', 'event 1'])

    await open()
    expect(socket(1).methods.at(-1)).toBe('subscription 33')
    expect(http.streams).toHaveLength(31)
  })

  it.each<[string, (socket: FakeSocket) => void]>([
    ['fail', (socket) => socket.fail()],
    [
      'open and break off',
      (socket) => {
        socket.accept()
        socket.say('PONG')
        socket.fail()
      },
    ],
  ])('and %s again, they are tried less and less often', async (_how, fail) => {
    const { clock, http, open } = scene()
    const { heard } = await open()
    socket().fail()
    http.streams[0]?.onOpened()
    let passedMs = 0
    const triedAfterMs: number[] = []
    for (let tries = 1; tries <= 9; tries += 1) {
      while (FakeSocket.opened.length <= tries && passedMs < 600_000) {
        await clock.advance(5_000)
        passedMs += 5_000
      }
      triedAfterMs.push(passedMs)
      passedMs = 0
      fail(FakeSocket.opened[tries] ?? socket())
    }
    expect(triedAfterMs.map((ms) => ms / 1_000)).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300])
    expect(heard).toEqual(['opened'])
    expect(http.streams).toHaveLength(1)
  })

  it('the first time, and the next one is full, streams move to a third', async () => {
    const { clock, http, open } = scene()
    await Promise.all([open(), open(), open()])
    await clock.advance(3_000)
    await clock.advance(5_000)
    socket(1).accept()
    for (const id of [1, 2]) socket(1).say(started(id))
    const data = { error: { error: 'No.', code: 'rate_limited', details: { maxSubscriptions: 2 } } }
    socket(1).say({ id: 3, error: { code: -32600, message: 'No.', data } })
    expect(FakeSocket.opened).toHaveLength(3)
    expect(http.streams.map(({ isClosed }) => isClosed)).toEqual([true, true, false])
    socket(2).accept()
    socket(2).say(started(1))
    expect(http.streams[2]?.isClosed).toBe(true)
  })

  it('or are slow, a stream uses HTTP after a moment, and moves to the socket once it works', async () => {
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

  it('or are slow, only some of many streams use HTTP, so that connections are left for calls', async () => {
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

  it('or are slow, a run that ends before they work is not followed again', async () => {
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

  it('or are slow, a reader who leaves in that moment leaves no connection', async () => {
    const { clock, http, open } = scene()
    const { heard, close } = await open()
    close()
    await clock.advance(3_000)
    expect([heard, http.streams.length, clock.sleeping]).toEqual([[], 0, 0])
  })

  it('because the whole server is away, they are tried again at once', async () => {
    const { http, open } = scene()
    await open()
    socket().fail()
    expect(http.streams).toHaveLength(1)
    await open()
    expect(FakeSocket.opened).toHaveLength(2)
  })

  it('but have worked before, they are tried several times more', async () => {
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
    // An open HTTP stream only proves that HTTP works.
    http.streams[0]?.onOpened()
    await open()
    expect(FakeSocket.opened).toHaveLength(7)
  })

  it('and only they are allowed, streams fail', async () => {
    const { http, open } = scene({ fallsBack: false })
    const { heard } = await open()
    socket().fail()
    expect(heard).toEqual(['unavailable: The server did not answer: The socket was lost: it broke off.'])
    expect(http.streams).toHaveLength(0)
  })
})
