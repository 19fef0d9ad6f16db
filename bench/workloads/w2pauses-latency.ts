import { setTimeout as sleep } from 'node:timers/promises'
import type { Workload } from '../workload.ts'
import { latency, measureLatency } from './w2-latency.ts'

const PAUSE_MS = { least: 5, most: 11 }

/** Between two runs of a closed loop, processes have no time to fall asleep. With pauses they have. */
export const pausedLatency: Workload = {
  ...latency,
  key: 'w2pauses',
  title: `${latency.title}, with pauses of ${PAUSE_MS.least} to ${PAUSE_MS.most} ms`,
  measure: (target, options) =>
    measureLatency(target, {
      ...options,
      pause: () => sleep(PAUSE_MS.least + Math.random() * (PAUSE_MS.most - PAUSE_MS.least)),
    }),
}
