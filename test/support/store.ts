import type pg from 'pg'
import type { Visibility } from '../../server/contract/visibility.ts'
import { retryPolicyOf } from '../../server/lifecycle/backoff.ts'
import type { RunsAtOnce } from '../../server/ports/runs-at-once.ts'
import type { AttemptStore } from '../../server/ports/store/attempt-store.ts'
import type { Store } from '../../server/ports/store/store.ts'
import { createJoinedDeliveries } from '../../server/postgres/deliveries/joined-deliveries.ts'
import { createPostgresStore } from '../../server/postgres/store.ts'

/** A store whose runs are in no queue: {@link claim} names those that it takes. */
export function createTestStore(
  pool: pg.Pool,
  visibility: Visibility = 'user',
  retryPolicy = retryPolicyOf(1_000),
  runsAtOnce: RunsAtOnce = { principal: null, tenant: null },
): Store {
  const queue = {
    deliver: async () => {},
    take: async (names: string) => ({ runIds: names.split(' '), mayHaveMore: false, done: async () => {} }),
  }
  const deliveries = createJoinedDeliveries(pool, queue, () => {})
  const options = { visibilityOf: () => visibility, retryPolicy, runsAtOnce, deliveries }
  return createPostgresStore({ pool, ...options })
}

/** Claims runs like a worker that has their deliveries. */
export function claim(
  store: Pick<AttemptStore, 'claimRuns'>,
  runIds: readonly string[],
  { workerId = 'w', ttlMs = 60_000 } = {},
) {
  const lease = { workerId, ttlMs, isolatedAgents: null }
  return store.claimRuns(lease, { agentKey: runIds.join(' '), limit: runIds.length })
}
