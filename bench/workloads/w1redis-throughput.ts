import type { Workload } from '../workload.ts'
import { throughput } from './w1-throughput.ts'

export const redisThroughput: Workload = {
  ...throughput,
  key: 'w1redis',
  title: `${throughput.title}, queue in Redis`,
  system: 'system-redis',
  metrics: [
    ...throughput.metrics,
    { key: 'redisCpu', label: 'CPU of Redis per run', unit: 'ms', better: 'lower' },
  ],
}
