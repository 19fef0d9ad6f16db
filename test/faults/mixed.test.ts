import { expect, test } from 'vitest'
import { makeHostile } from '../support/hostile-session.ts'
import { breakNetwork } from './faults/break-network.ts'
import { endSessions } from './faults/end-sessions.ts'
import { freezeProcesses } from './faults/freeze-processes.ts'
import { killServers } from './faults/kill-servers.ts'
import { killWorkers } from './faults/kill-workers.ts'
import { loseRedis } from './faults/lose-redis.ts'
import { repeatDeliveries } from './faults/repeat-deliveries.ts'
import { restartPostgres } from './faults/restart-postgres.ts'
import { stopWorkers } from './faults/stop-workers.ts'
import { createOrdinaryRole } from './scene/ordinary-role.ts'
import { play } from './scene/play.ts'
import { RUNS } from './scene/settings.ts'
import { skewedClock } from './system/preload.ts'

test('all of it at once', async () => {
  const { counts } = await play({
    title: 'All at once',
    isRemote: true,
    load: {
      harmful: {
        deadly: Math.ceil(RUNS / 250),
        careless: Math.ceil(RUNS / 100),
        blocking: Math.ceil(RUNS / 500),
      },
      inFlight: 60,
    },
    async prepare(postgres) {
      const { username, password } = new URL(await createOrdinaryRole(postgres, 'app'))
      await makeHostile(postgres.sql, 'ROLE app')
      return Object.assign(new URL(postgres.proxyUrl), { username, password }).href
    },
    workerEnv: (index) => (index === 3 ? skewedClock(600_000) : {}),
    faults: [
      killWorkers([3_000, 7_000]),
      stopWorkers(1, { every: [1_000, 3_000], during: [12_000, 14_000] }),
      restartPostgres([6_000, 12_000]),
      endSessions([1_000, 3_000], { oneIn: 10 }),
      killServers([3_000, 6_000]),
      repeatDeliveries([1_000, 2_000]),
      breakNetwork([3_000, 6_000]),
      freezeProcesses([8_000, 15_000]),
      loseRedis([2_000, 5_000]),
    ],
  })
  expect(counts.size).toBeGreaterThanOrEqual(7)
})
