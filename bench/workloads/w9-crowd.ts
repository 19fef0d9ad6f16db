import { setTimeout as sleep } from 'node:timers/promises'
import type { Workload } from '../workload.ts'

const QUEUED = 100_000
const WAITING = 20_000

/** Does the cost of regular looks depend on how many runs are open? The floor has no such looks. */
export const crowd: Workload = {
  key: 'w9',
  title: `Looks for upkeep with ${QUEUED.toLocaleString('en')} queued runs and ${WAITING.toLocaleString('en')} waiting for their turn`,
  transports: ['rest'],
  metrics: [
    { key: 'looks', label: 'looks', unit: '/s', better: 'lower' },
    { key: 'ms', label: 'a look, in PostgreSQL', unit: 'ms', better: 'lower' },
    { key: 'buffers', label: 'a look: pages', unit: '', better: 'lower' },
  ],

  async measure(target, { durationMs, signal }) {
    await using _ = await target.crowd({ queued: QUEUED, waiting: WAITING })
    const before = await target.readLooks()
    const startedAt = performance.now()
    await sleep(durationMs, undefined, { signal })
    const after = await target.readLooks()
    const seconds = (performance.now() - startedAt) / 1000
    if (before === undefined || after === undefined) return { looks: NaN, ms: NaN, buffers: NaN }
    const count = after.count - before.count
    return {
      looks: count / seconds,
      ms: (after.ms - before.ms) / count,
      buffers: (after.buffers - before.buffers) / count,
    }
  },
}
