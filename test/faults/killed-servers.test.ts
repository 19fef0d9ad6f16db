import { expect, test } from 'vitest'
import { killServers } from './faults/kill-servers.ts'
import { play } from './scene/play.ts'

test('readers of a server that is killed go on at the other one, and miss and repeat nothing', async () => {
  const { counts } = await play({
    title: 'API servers killed',
    load: { followers: { sdk: 1, sse: 1, none: 0 } },
    faults: [killServers([300, 1_500])],
  })
  expect(counts.get('API server killed')).toBeGreaterThan(0)
})
