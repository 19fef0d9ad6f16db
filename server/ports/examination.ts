// The facts that the doctor reads from a database, without judgement. Times are ISO 8601.

/** How many entries of a long list are read. The rest is only counted. */
export const LISTED = 10
/** A due run that waited this long for a worker counts as overdue. */
export const OVERDUE_SECONDS = 300
/** How long upkeep may take for what it does within a second. Beyond this no process runs it. */
export const UPKEEP_GRACE_SECONDS = 10
/** How long a running agent may take to end after its cancellation. The grace period is seconds. */
export const CANCEL_OVERDUE_SECONDS = 60

export interface Listed<T> {
  total: number
  listed: T[]
}

export interface RunFact {
  id: string
  agentKey: string
  since: string
}

export interface SchemaFacts {
  /** Migrations this version brings that were not applied, in order. */
  pending: string[]
  /** Applied ones this version does not know: those of a newer one. */
  unknown: string[]
  /** Version of the queue's tables, null without any, and the one this version works with. */
  queue: { found: number | null; needed: number }
}

export interface RunFacts {
  /** Queued runs due for long, by agent. */
  overdue: Listed<{ agentKey: string; runs: number; since: string }>
  expiredLeases: Listed<RunFact & { worker: string }>
  /** Running ones whose worker is gone though their lease is not. */
  abandoned: Listed<RunFact & { worker: string }>
  /** Runs that are to be executed and have no delivery in the queue. */
  undelivered: Listed<RunFact>
  /** Runs whose delivery was not sent to a queue outside of the database. */
  unsent: Listed<RunFact>
  cancelsPending: Listed<RunFact>
  waiting: { total: number; oldest: string | null }
  /** Open ones that lost their workers in the company of others so often that one of them may be why. */
  suspect: Listed<RunFact>
  /** Failed within a day because the workers that executed them kept dying. */
  workerLost: Listed<RunFact>
  /** Waiting for room among the runs at once of their principal or tenant. */
  parked: { total: number; tenants: number; oldest: string | null }
  open: { queued: number; running: number }
}

export interface WorkerFacts {
  /** Workers whose presence the database sees, busy or not. */
  present: number
  /** Of those that have runs. */
  busy: Listed<{ worker: string; runs: number }>
}

/** Schedules that callers made. */
export interface ScheduleFacts {
  total: number
  paused: number
  /** Due for long. */
  overdue: Listed<RunFact>
}

export interface QueueFacts {
  /** Agents whose queue is elsewhere, and for whose runs somebody has written deliveries to PostgreSQL of late. */
  twice: Listed<{ agentKey: string; deliveries: number }>
  deadLetters: Listed<{ id: string; queue: string; reason: string; since: string }>
  schedules: Listed<{ agentKey: string; name: string; cron: string; timeZone: string; next: string | null }>
}

export interface SizeFacts {
  /** Largest first, indexes included; rows as PostgreSQL estimates them. */
  tables: { name: string; bytes: number; rows: number }[]
  oldestEvent: string | null
}

export type Examination =
  /** It does not answer, or is none the runtime can use. */
  | { state: 'unusable'; reason: string }
  | { state: 'outdated'; schema: SchemaFacts }
  | {
      state: 'examined'
      schema: SchemaFacts
      /** Whether a notification arrives that was sent over another connection of the same URL. */
      notificationsArrive: boolean
      workers: WorkerFacts
      runs: RunFacts
      queue: QueueFacts
      schedules: ScheduleFacts
      sizes: SizeFacts
    }
