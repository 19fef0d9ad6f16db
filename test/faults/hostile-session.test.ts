import { expect, test } from 'vitest'
import { makeHostile } from '../support/hostile-session.ts'
import { endSessions } from './faults/end-sessions.ts'
import { killWorkers } from './faults/kill-workers.ts'
import { createOrdinaryRole } from './scene/ordinary-role.ts'
import { play } from './scene/play.ts'

test('sessions that the database sets against the runtime change nothing, however often they are made anew', async () => {
  const { counts } = await play({
    title: 'Hostile database session',
    async prepare(postgres) {
      const url = await createOrdinaryRole(postgres, 'app')
      await makeHostile(postgres.sql, 'ROLE app')
      return url
    },
    faults: [endSessions([500, 2_000], { oneIn: 4 }), killWorkers([2_000, 4_000])],
  })
  expect(counts.get('session ended')).toBeGreaterThan(0)
})
