import { expect, test } from 'vitest'
import { killWorkers } from './faults/kill-workers.ts'
import { play } from './scene/play.ts'
import { promptTimes } from './scene/report.ts'
import { skewedClock } from './system/preload.ts'

const MINUTE_MS = 60_000
const SKEWS_MS = [10 * MINUTE_MS, -10 * MINUTE_MS, 0, 3 * MINUTE_MS] as const

test('workers whose clocks are ten minutes off take over from each other all the same', async () => {
  const { recoveries, counts } = await play({
    title: 'Clocks skewed, workers killed',
    workerEnv: (index) => skewedClock(SKEWS_MS[index] ?? 0),
    faults: [killWorkers([2_000, 4_000])],
  })
  expect(counts.get('worker killed')).toBeGreaterThan(0)
  // If a process' clock mattered, this would be ten minutes or nothing.
  expect(promptTimes('killed', recoveries).at(-1) ?? 0).toBeLessThan(20_000)
})
