import { expect, test } from 'vitest'
import { restartPostgres } from './faults/restart-postgres.ts'
import { play } from './scene/play.ts'

test('a PostgreSQL that crashes and comes back again and again loses nothing it had confirmed', async () => {
  const { counts } = await play({
    title: 'PostgreSQL restarted',
    isRemote: true,
    faults: [restartPostgres([1_500, 4_000])],
  })
  expect(counts.get('PostgreSQL restarted')).toBeGreaterThan(0)
})
