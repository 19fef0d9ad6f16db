import type { Workload } from '../workload.ts'
import { throughput } from './w1-throughput.ts'
import { freshThroughput } from './w1fresh-throughput.ts'
import { redisThroughput } from './w1redis-throughput.ts'
import { conversationThroughput } from './w1new-throughput.ts'
import { watchedThroughput } from './w1watched-throughput.ts'
import { latency } from './w2-latency.ts'
import { pausedLatency } from './w2pauses-latency.ts'
import { redisLatency } from './w2redis-latency.ts'
import { conversationLatency } from './w2new-latency.ts'
import { streams } from './w3-streams.ts'
import { watchedStreams } from './w3watched-streams.ts'
import { flood } from './w3max-flood.ts'
import { audience } from './w4-audience.ts'
import { conversationFollowers } from './w4new-followers.ts'
import { slowReaders } from './w4slow-readers.ts'
import { resume } from './w5-resume.ts'
import { manyRuns } from './w6-many-runs.ts'
import { fleet } from './w8-fleet.ts'
import { crowd } from './w9-crowd.ts'
import { clients } from './w11-clients.ts'
import { malformed } from './w12-malformed.ts'
import { filesBeside } from './w13-files.ts'
import { fairness } from './w10-fairness.ts'
import { redisFairness } from './w10redis-fairness.ts'
import { frameworks } from './w14-frameworks.ts'
import { largeTable } from './w7-large-table.ts'

/** In the order in which they are run and reported. */
export const WORKLOADS: readonly Workload[] = [
  throughput,
  redisThroughput,
  freshThroughput,
  conversationThroughput,
  watchedThroughput,
  latency,
  redisLatency,
  pausedLatency,
  conversationLatency,
  streams,
  watchedStreams,
  flood,
  audience,
  conversationFollowers,
  slowReaders,
  resume,
  manyRuns,
  fleet,
  crowd,
  fairness,
  redisFairness,
  clients,
  malformed,
  filesBeside,
  ...frameworks,
  largeTable,
]
