import { expect, test } from 'vitest'
import { withoutRedis } from '../support/redis.ts'
import { killWorkers } from './faults/kill-workers.ts'
import { loseRedis } from './faults/lose-redis.ts'
import { play } from './scene/play.ts'

test.skipIf(withoutRedis)(
  `a Redis that is emptied, killed and stands still again and again loses no run${withoutRedis ? `: skipped, ${withoutRedis}` : ''}`,
  async () => {
    const { counts } = await play({
      title: 'Redis lost',
      queue: 'redis',
      faults: [loseRedis([500, 1_500]), killWorkers([3_000, 6_000])],
    })
    expect(counts.get('Redis emptied')).toBeGreaterThan(0)
  },
)
