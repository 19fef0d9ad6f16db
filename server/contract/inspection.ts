import type { Json } from './json.ts'
import type { RunStatus, RunSummary } from './run.ts'
import type { WaitKind } from './wait.ts'

/** The most steps, waits and child runs that an inspection has, of each. */
export const MAX_INSPECTED = 1_000

/** How a run is executed at this moment. Times are ISO 8601 in UTC. */
export interface RunExecution {
  /** The current or last attempt; 0 before the first. */
  attempt: number
  maxAttempts: number
  /** The worker that has its lease; null where none has. */
  worker: string | null
  leaseExpiresAt: string | null
  /** Of the current or last attempt. */
  attemptStartedAt: string | null
  /** Attempts that ended in an error or with their worker: at `maxAttempts` the run fails. */
  failures: number
  /** Attempts that ended with a process that executed other runs too, for which no run is charged. */
  losses: number
  /**
   * Why a queued run is not given to workers: it waits for its turn in its conversation, has a principal or tenant with as many runs at
   * once as they may have, or waits for `runAt`. Null where nothing but a worker is missing.
   */
  heldBy: 'turn' | 'principal' | 'tenant' | 'time' | null
  /** When it may begin or be tried again; while it waits, when the first of its waits ends by itself. */
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
  /** Of the result as it is stored, where it may be compressed. */
  bytes: number
  /** Null also where it is left out: of all results, the last 1 MB are told, or less where they are stored compressed. */
  result: Json
}

/** Whatever the run waited for, or waits for. */
export interface InspectedWait {
  name: string
  occurrence: number
  kind: WaitKind
  status: 'pending' | 'answered' | 'timed_out' | 'cancelled'
  createdAt: string
  expiresAt: string | null
  settledAt: string | null
  /** When an attempt was given the answer. */
  usedAt: string | null
  respondedBy: string | null
}

/** How a run was executed so far, for those who have to find out why it does what it does. */
export interface RunInspection {
  run: RunSummary
  execution: RunExecution
  /** In the order in which they were completed. */
  steps: InspectedStep[]
  /** In the order in which they were begun. */
  waits: InspectedWait[]
  /** The newest state that the agent saved. Null where there is none; its `state` is null where it is larger than 1 MB. */
  checkpoint: { attempt: number; updatedAt: string; bytes: number; state: Json } | null
  /** Runs that it started, in the order in which they were created. */
  children: { id: string; agentKey: string; status: RunStatus; detached: boolean }[]
  /** Whether there are more steps, waits or children than are told. */
  hasMore: boolean
}
