import { describe, expect, it } from 'vitest'
import { FakeSocket } from './fake-socket.ts'
import { scene, socket, started, event } from './socket-scene.ts'

const running = (id: number) => ({ id, result: { type: 'started', reconnectAfterInactivityMs: 4_500 } })

describe('a socket that is lost', () => {
  const lose: Record<string, (socket: FakeSocket) => void> = {
    'because it broke off': (socket) => socket.fail(),
    'because the server stops': (socket) => socket.say({ id: null, method: 'reconnect' }),
    'for all at once': (socket) =>
      socket.say({ id: null, error: { code: -32600, message: 'No.', data: {} } }),
    'because it carries something else': (socket) => socket.say('<html>'),
  }
  it.each(Object.entries(lose))(
    '%s fails each of its streams once, and opens no other connection',
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

  it('without a close is noticed by a ping', async () => {
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
    'without a close is noticed 4.5 s after a run begins to run, after %i ms of silence',
    async (silentMs) => {
      const { clock, open } = scene()
      const { heard } = await open()
      socket().accept()
      socket().say(started(1))
      // The server answers until the run is running.
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

  it('without a close is noticed sooner while a run is running', async () => {
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
    // Now the run waits for an answer.
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
