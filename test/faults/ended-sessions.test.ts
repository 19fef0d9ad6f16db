import { expect, test } from 'vitest'
import { endSessions } from './faults/end-sessions.ts'
import { play } from './scene/play.ts'

test('sessions that end, the listening one above all, cost time and no event', async () => {
  const { counts } = await play({
    title: 'Sessions ended',
    faults: [endSessions([200, 1_200], { oneIn: 5 })],
  })
  expect(counts.get('session ended')).toBeGreaterThan(0)
})
