import type { Memory } from './server-child.ts'

/** CPU seconds spent since the processes started. */
export interface CpuTime {
  api: number
  worker: number
  postgres: number
  /** 0 if there is none. */
  redis: number
}

export interface ApiProcess extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly url: string
  readMemory(): Promise<Memory>
}

/** The work of its database so far, from pg_stat_statements. */
export interface Statements {
  executed: number
  /** Rows that these returned or wrote. */
  rows: number
}

/** Its regular looks for work that nobody asked for, from pg_stat_statements. */
export interface Looks {
  count: number
  /** Time in PostgreSQL. */
  ms: number
  /** Pages of 8 KiB that were read. */
  buffers: number
}

export interface EventTable {
  /** The size of its rows and indexes on disk. */
  bytes: number
  /** An estimate from the last {@link Target.settle}. */
  rows: number
}

export interface WorkerOptions {
  /** Agents that no workload asks for, besides those of the workloads. */
  idleAgents?: number
}

export interface Crowd {
  /** Runs that have the turn, each in a conversation of its own. */
  queued: number
  /** Runs that wait for their turn, in the first tenth of those conversations. */
  waiting: number
}

/**
 * The kind of target. `…redis` has its queue in Redis; `limited` limits each tenant's runs at once; `watched`
 * has traces and metrics; `frameworks` has agents written with these.
 */
export type TargetKind =
  | 'floor'
  | 'system'
  | 'system-redis'
  | 'system-limited'
  | 'system-limited-redis'
  | 'system-watched'
  | 'frameworks'

export const isInRedis = (kind: TargetKind | undefined): boolean => kind?.endsWith('redis') === true

/** What workloads run against: the floor or the system. Each has an API and a worker process. */
export interface Target {
  readonly name: TargetKind
  /** URL of the API, without a slash at the end. */
  readonly url: string
  /** Starts another API process besides the first, to measure a young process. */
  startApi(): Promise<ApiProcess>
  /** Starts workers besides the first. */
  startWorkers(count: number, options?: WorkerOptions): Promise<AsyncDisposable>
  /** Stops its first worker until the result is disposed of. */
  pauseWorker(): Disposable
  /**
   * Ends the runs that stream.
   *
   * @returns how many events they have emitted
   */
  endStreams(): Promise<number>
  /** Tells its first worker to measure something itself, if it can. */
  measure(load: object): Promise<Record<string, number>>
  /** Prepares the next measurement: no work is left, statistics are up to date, and no checkpoint is due. */
  settle(): Promise<void>
  /** Of all its processes. Undefined if the operating system does not tell. */
  readCpuTime(): Promise<CpuTime | undefined>
  readStatements(): Promise<Statements>
  /** Undefined if it has no such looks. */
  readLooks(): Promise<Looks | undefined>
  readEventTable(): Promise<EventTable>
  countEvents(runIds: readonly string[]): Promise<number>
  /** Adds finished runs with {@link EVENTS_PER_FILLED_RUN} events each, directly in the database. */
  fill(runs: number): Promise<void>
  /** Adds open runs that no worker takes. */
  crowd(runs: Crowd): Promise<AsyncDisposable>
  /** Ids of added finished runs, chosen at random. */
  pickFilledRuns(count: number): Promise<string[]>
}

export const EVENTS_PER_FILLED_RUN = 1_000
/** The agent of added runs. */
export const FILLED_AGENT_KEY = 'filled'
