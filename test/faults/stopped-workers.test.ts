import { expect, test } from 'vitest'
import { stopWorkers } from './faults/stop-workers.ts'
import { play } from './scene/play.ts'
import { promptTimes } from './scene/report.ts'
import { LEASE_TTL_SECONDS } from './scene/settings.ts'

test('workers that stand still lose their runs with their lease, and touch them no more', async () => {
  const ttlMs = LEASE_TTL_SECONDS * 1000
  const { recoveries } = await play({
    title: 'Workers stopped for longer than their lease',
    // The stopped ones hold a good part of it.
    load: { inFlight: 60 },
    faults: [stopWorkers(2, { every: [1_000, 3_000], during: [ttlMs + 2_000, ttlMs + 5_000] })],
  })
  const times = promptTimes('stopped', recoveries)
  expect(times.length).toBeGreaterThan(0)
  expect(times.at(-1)).toBeLessThan(ttlMs + 5_000)
})
