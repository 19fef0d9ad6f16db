import type { Workload } from '../workload.ts'
import { latency } from './w2-latency.ts'

export const redisLatency: Workload = {
  ...latency,
  key: 'w2redis',
  title: `${latency.title}, queue in Redis`,
  system: 'system-redis',
}
