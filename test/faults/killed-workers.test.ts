import { expect, test } from 'vitest'
import { killWorkers } from './faults/kill-workers.ts'
import { play } from './scene/play.ts'
import { promptTimes } from './scene/report.ts'
import { IS_SHORT, RUNS } from './scene/settings.ts'

test('workers that are killed under load cost a second, and nothing else', async () => {
  const { recoveries, counts } = await play({
    title: 'Workers killed',
    load: { harmful: { deadly: Math.ceil(RUNS / 200) } },
    faults: [killWorkers(IS_SHORT ? [1_200, 2_400] : [500, 1_500])],
  })
  expect(counts.get('worker killed')).toBeGreaterThan(0)
  // The goal of 2 s is for a machine that is not busy. Here, starting workers takes all of it.
  expect(promptTimes('killed', recoveries).at(-1) ?? 0).toBeLessThan(20_000)
})
