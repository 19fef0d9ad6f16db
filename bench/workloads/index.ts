import type { Workload } from '../workload.ts'
import { throughput } from './w1-throughput.ts'
import { latency } from './w2-latency.ts'

/** In the order in which they are run and reported. */
export const WORKLOADS: readonly Workload[] = [throughput, latency]
