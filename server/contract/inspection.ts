import type { Json } from './json.ts'
import type { RunStatus, RunSummary } from './run.ts'
import type { WaitKind } from './wait.ts'

/** The most steps that an inspection has; the same bound applies to waits and to child runs. */
export const MAX_INSPECTED = 1_000

/** How a run is executed at this moment. Times are ISO 8601 in UTC. */
export interface RunExecution {
  /** The current or last attempt; 0 before the first. */
  attempt: number
  maxAttempts: number
  /** The worker that has its lease; null if none has. */
  worker: string | null
  leaseExpiresAt: string | null
  /** Of the current or last attempt. */
  attemptStartedAt: string | null
  /** Attempts that ended in an error or with their worker. At `maxAttempts` of them the run fails. */
  failures: number
  /**
   * Attempts that ended with a process that also executed other runs. They do not count towards
   * `maxAttempts`.
   */
  losses: number
  /**
   * Why no worker gets a queued run: it waits for its turn in its conversation, its principal or tenant has
   * as many runs at once as allowed, or it waits for `runAt`. Null if only a worker is missing.
   */
  heldBy: 'turn' | 'principal' | 'tenant' | 'time' | null
  /** When it may begin or is tried again. While it waits: when the first of its waits ends by itself. */
  runAt: string | null
  agentVersion: string | null
  /** W3C trace context of its creation. */
  traceparent: string | null
}

/** A step that was completed. `occurrence` tells apart steps of one name, from 1. */
export interface InspectedStep {
  name: string
  occurrence: number
  attempt: number
  startedAt: string
  completedAt: string
  /** The size of the stored result, which may be compressed. */
  bytes: number
  /**
   * Also null if it is left out: the answer has the last 1 MB of results, or less if they are stored
   * compressed.
   */
  result: Json
}

/** A wait of the run, open or settled. */
export interface InspectedWait {
  name: string
  occurrence: number
  kind: WaitKind
  status: 'pending' | 'answered' | 'timed_out' | 'cancelled'
  createdAt: string
  expiresAt: string | null
  settledAt: string | null
  /** When an attempt got the answer. */
  usedAt: string | null
  respondedBy: string | null
}

/** How a run was executed so far, to find out why it behaves as it does. */
export interface RunInspection {
  run: RunSummary
  execution: RunExecution
  /** Ordered by completion. */
  steps: InspectedStep[]
  /** Ordered by their beginning. */
  waits: InspectedWait[]
  /**
   * The newest state that the agent stored. Null if there is none; its `state` is null if it is larger than 1
   * MB.
   */
  checkpoint: { attempt: number; updatedAt: string; bytes: number; state: Json } | null
  /** Runs that it started, ordered by creation. */
  children: { id: string; agentKey: string; status: RunStatus; detached: boolean }[]
  /** Whether there are more steps, waits or children than these lists have. */
  hasMore: boolean
}
