import { expect, test } from 'vitest'
import { play } from './scene/play.ts'
import { RUNS } from './scene/settings.ts'

test('runs that end or block their workers fail within their attempts, and take no other along', async () => {
  const { statuses } = await play({
    title: 'Harmful runs among healthy ones',
    load: {
      // So few that one death too many would show.
      maxAttempts: 3,
      harmful: {
        deadly: Math.ceil(RUNS / 100),
        careless: Math.ceil(RUNS / 50),
        blocking: Math.ceil(RUNS / 250),
      },
    },
    faults: [],
  })
  for (const agentKey of ['deadly', 'careless', 'blocking']) {
    expect(statuses.some((row) => row.agentKey === agentKey)).toBe(true)
  }
})
