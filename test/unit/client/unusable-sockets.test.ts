import { describe, expect, it } from 'vitest'
import { FakeSocket } from './fake-socket.ts'
import { RUN_ID, runEvent } from './fake-transport.ts'
import { scene, socket, started, event } from './socket-scene.ts'

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

    // Those after it go there at once, for some minutes.
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
    // An open HTTP stream only proves that HTTP works.
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
