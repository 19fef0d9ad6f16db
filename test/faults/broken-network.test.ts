import { expect, test } from 'vitest'
import { breakNetwork } from './faults/break-network.ts'
import { play } from './scene/play.ts'

test('a network that breaks between a statement and its answer does nothing twice', async () => {
  const { counts } = await play({
    title: 'Network to PostgreSQL broken',
    isRemote: true,
    faults: [breakNetwork([500, 2_000])],
  })
  expect(counts.get('network cut')).toBeGreaterThan(0)
})
