import type { Store } from '../../server/ports/store.ts'

/** Claims runs as a worker does whose deliveries they are. */
export function claim(
  store: Pick<Store, 'claimRuns'>,
  runIds: readonly string[],
  { workerId = 'w', ttlMs = 60_000 } = {},
) {
  const taken = { runIds, mayHaveMore: false, forget: async () => {} }
  return store.claimRuns(
    { workerId, ttlMs, isolatedAgents: null },
    { take: async () => taken, enqueue: async () => {} },
  )
}
