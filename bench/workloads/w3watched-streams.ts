import type { Workload } from '../workload.ts'
import { streams } from './w3-streams.ts'

/** What traces and metrics cost: `w3` is the same without them. */
export const watchedStreams: Workload = {
  ...streams,
  key: 'w3watched',
  title: `${streams.title}, traced and measured`,
  system: 'system-watched',
}
