import type { Workload } from '../workload.ts'
import { fairness } from './w10-fairness.ts'

export const redisFairness: Workload = {
  ...fairness,
  key: 'w10redis',
  title: `${fairness.title}, queue in Redis`,
  system: 'system-limited-redis',
}
