// The facts that the doctor reads from a database, before it judges them. Times are ISO 8601.

/** How many entries of a long list are read. The rest is only counted. */
export const LISTED = 10
/** A due run that waited this long for a worker counts as overdue. */
export const OVERDUE_SECONDS = 300
/** Upkeep does its work within a second. After this time the doctor concludes that no process runs it. */
export const UPKEEP_GRACE_SECONDS = 10
/** How long a running agent may take to end after its cancellation. The grace period is only seconds. */
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
  /** This version's migrations that were not applied, in order. */
  pending: string[]
  /** Applied migrations that this version does not know: a newer version applied them. */
  unknown: string[]
  /** Version of the queue's tables (null when there are none), and the version that is needed. */
  queue: { found: number | null; needed: number }
}

export interface RunFacts {
  /** Queued runs that have been due for a long time, by agent. */
  overdue: Listed<{ agentKey: string; runs: number; since: string }>
  expiredLeases: Listed<RunFact & { worker: string }>
  /** Running ones whose worker is gone before their lease ran out. */
  abandoned: Listed<RunFact & { worker: string }>
  /** Runs to execute that have no delivery in the queue. */
  undelivered: Listed<RunFact>
  /** Runs whose delivery was not sent to a queue outside of the database. */
  unsent: Listed<RunFact>
  cancelsPending: Listed<RunFact>
  waiting: { total: number; oldest: string | null }
  /** Open runs that often lost their worker together with other runs, so that they may be the cause. */
  suspect: Listed<RunFact>
  /** Failed within a day because the workers that executed them kept dying. */
  workerLost: Listed<RunFact>
  /** Parked: their principal or tenant has as many runs at once as it may. */
  parked: { total: number; tenants: number; oldest: string | null }
  open: { queued: number; running: number }
}

export interface WorkerFacts {
  /** Workers whose presence the database sees, busy or not. */
  present: number
  /** The busy ones among them. */
  busy: Listed<{ worker: string; runs: number }>
}

/** Schedules that callers made. */
export interface ScheduleFacts {
  total: number
  paused: number
  /** Due for a long time. */
  overdue: Listed<RunFact>
}

export interface QueueFacts {
  /** Agents with a queue outside of PostgreSQL for whose runs a process recently wrote deliveries to PostgreSQL. */
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
  /** The database does not answer, or the runtime cannot use it. */
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
