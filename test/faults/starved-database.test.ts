import { expect, test } from 'vitest'
import { exhaustConnections, fillDisk } from './faults/starve-database.ts'
import { play } from './scene/play.ts'
import { createOrdinaryRole } from './scene/ordinary-role.ts'

test('a full disk and a want of connections are waited out', async () => {
  const { counts } = await play({
    title: 'Disk full, connections used up',
    prepare: (postgres) => createOrdinaryRole(postgres, 'app'),
    faults: [
      fillDisk([500, 2_000], { during: [300, 1_200], chance: 0.2 }),
      exhaustConnections('app', { every: [1_000, 4_000], during: [200, 800] }),
    ],
  })
  expect(counts.get('disk full for a while')).toBeGreaterThan(0)
  expect(counts.get('connections used up for a while')).toBeGreaterThan(0)
})
