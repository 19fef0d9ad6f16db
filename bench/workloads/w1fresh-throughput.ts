import type { Workload } from '../workload.ts'
import { measureThroughput, throughput } from './w1-throughput.ts'

/** The minutes after a deployment: PostgreSQL knows nothing about its tables, and no code is compiled. */
export const freshThroughput: Workload = {
  ...throughput,
  key: 'w1fresh',
  title: `${throughput.title}, the first seconds on a new database`,
  isFresh: true,
  measure: (target, options) => measureThroughput(target, { ...options, warmUpMs: 0 }),
}
