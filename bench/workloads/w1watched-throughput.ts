import type { Workload } from '../workload.ts'
import { throughput } from './w1-throughput.ts'

/** What traces and metrics cost: `w1` is the same without them. */
export const watchedThroughput: Workload = {
  ...throughput,
  key: 'w1watched',
  title: `${throughput.title}, traced and measured`,
  system: 'system-watched',
}
