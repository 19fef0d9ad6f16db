import { expect, test } from 'vitest'
import { watchOver } from '../../../../server/api/socket/lifetime.ts'

test('a connection is looked at again only once its caller is known', async () => {
  const closed = new AbortController()
  let passes = 0
  const looks: number[] = []
  const over = Promise.withResolvers<void>()
  watchOver(
    {
      closed: closed.signal,
      // What the client sends about itself arrives after the second pass.
      isKnown: () => passes > 2,
      async look() {
        looks.push(passes)
        closed.abort()
        over.resolve()
        return true
      },
      retire() {},
    },
    {
      clock: {
        now: () => 0,
        sleep(ms) {
          // The other timer, for callers who never say who they are.
          if (ms >= 10_000) return new Promise(() => {})
          passes += 1
          return Promise.resolve()
        },
      },
      reauthenticateMs: 50,
      maxAgeMs: 60_000,
    },
  )
  await over.promise
  expect(looks).toEqual([3])
})
