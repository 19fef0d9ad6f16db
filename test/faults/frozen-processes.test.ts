import { expect, test } from 'vitest'
import { freezeProcesses } from './faults/freeze-processes.ts'
import { play } from './scene/play.ts'
import { promptTimes } from './scene/report.ts'
import { LEASE_TTL_SECONDS } from './scene/settings.ts'

test('processes that freeze in mid-transaction for good lose their runs with their lease, and nobody waits for them', async () => {
  const { recoveries, counts } = await play({
    title: 'Processes frozen for good',
    load: { inFlight: 60 },
    workerArgs: (index) => (index === 3 ? ['--processes', '2'] : []),
    faults: [freezeProcesses([1_000, 3_000])],
  })
  for (const what of ['worker', 'API server', 'supervisor', 'watched process'])
    expect(counts.get(`${what} frozen`)).toBeGreaterThan(0)
  const times = promptTimes('stopped', recoveries)
  expect(times.length).toBeGreaterThan(0)
  expect(times.at(-1)).toBeLessThan(LEASE_TTL_SECONDS * 1000 + 8_000)
})
