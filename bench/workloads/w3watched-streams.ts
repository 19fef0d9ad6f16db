import type { Workload } from '../workload.ts'
import { streams } from './w3-streams.ts'

/** What it costs to be watched: `w3` is the same without. */
export const watchedStreams: Workload = {
  ...streams,
  key: 'w3watched',
  title: `${streams.title}, traced and measured`,
  system: 'system-watched',
}
