import { expect, test } from 'vitest'
import { killServers } from './faults/kill-servers.ts'
import { killWorkers } from './faults/kill-workers.ts'
import { play } from './scene/play.ts'

test('all parked runs are let in, even if workers die meanwhile', async () => {
  const { counts } = await play({
    title: 'A tenant with few runs at once',
    env: { TENANT: 'acme', TENANT_RUNS_AT_ONCE: '6', PRINCIPAL_RUNS_AT_ONCE: '5' },
    load: { inFlight: 60 },
    faults: [killWorkers([800, 2_000]), killServers([800, 2_000])],
  })
  expect(counts.get('worker killed')).toBeGreaterThan(0)
  expect(counts.get('API server killed')).toBeGreaterThan(0)
})
