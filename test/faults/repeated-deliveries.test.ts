import { expect, test } from 'vitest'
import { repeatDeliveries } from './faults/repeat-deliveries.ts'
import { play } from './scene/play.ts'

test('a delivery that comes again does nothing again', async () => {
  const { counts } = await play({
    title: 'Deliveries repeated',
    faults: [repeatDeliveries([100, 600])],
  })
  expect(counts.get('delivery repeated')).toBeGreaterThan(0)
})
