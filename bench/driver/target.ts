import type { Memory } from './server-child.ts'

/** CPU seconds spent since the processes started. */
export interface CpuTime {
  api: number
  worker: number
  postgres: number
  /** 0 where there is none. */
  redis: number
}

export interface ApiProcess extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly url: string
  readMemory(): Promise<Memory>
}

/** What its database has done so far, by pg_stat_statements. */
export interface Statements {
  executed: number
  /** That they returned or wrote. */
  rows: number
}

/** Its looks for what is to be done though nobody asks for it, by pg_stat_statements. */
export interface Looks {
  count: number
  /** In PostgreSQL. */
  ms: number
  /** Pages of 8 KiB that were looked at. */
  buffers: number
}

export interface EventTable {
  /** Of its rows and indexes on disk. */
  bytes: number
  /** About, as of the last {@link Target.settle}. */
  rows: number
}

export interface WorkerOptions {
  /** That nobody asks for, beside those of the workloads. */
  idleAgents?: number
}

export interface Crowd {
  /** Each in a conversation of its own, where it has the turn. */
  queued: number
  /** For their turn, in the first tenth of those conversations. */
  waiting: number
}

/** What ends in `redis` has its queue there; `limited` has a limit of each tenant's runs at once; `watched` traces and measures; the agents of `frameworks` are written with these. */
export type TargetKind =
  | 'floor'
  | 'system'
  | 'system-redis'
  | 'system-limited'
  | 'system-limited-redis'
  | 'system-watched'
  | 'frameworks'

export const isInRedis = (kind: TargetKind | undefined): boolean => kind?.endsWith('redis') === true

/** What workloads are run against: the floor or the system, each an API and a worker process. */
export interface Target {
  readonly name: TargetKind
  /** Of the API, without a slash at the end. */
  readonly url: string
  /** Another API process beside the first, to look at in its youth. */
  startApi(): Promise<ApiProcess>
  /** Workers beside the first. */
  startWorkers(count: number, options?: WorkerOptions): Promise<AsyncDisposable>
  /** Has its first worker stand still until it is disposed of. */
  pauseWorker(): Disposable
  /** Ends the runs that stream. @returns how many events they have emitted. */
  endStreams(): Promise<number>
  /** Has its first worker measure something by itself, where that can. */
  measure(load: object): Promise<Record<string, number>>
  /** Brings it to where every measurement begins: nothing to do, statistics up to date, no checkpoint due. */
  settle(): Promise<void>
  /** Of all its processes; undefined where the operating system does not tell. */
  readCpuTime(): Promise<CpuTime | undefined>
  readStatements(): Promise<Statements>
  /** Undefined when it has no such looks. */
  readLooks(): Promise<Looks | undefined>
  readEventTable(): Promise<EventTable>
  countEvents(runIds: readonly string[]): Promise<number>
  /** Adds runs that are over, {@link EVENTS_PER_FILLED_RUN} events each, past its processes. */
  fill(runs: number): Promise<void>
  /** Adds open runs that nobody takes. */
  crowd(runs: Crowd): Promise<AsyncDisposable>
  /** Ids of runs that were filled in, chosen at random. */
  pickFilledRuns(count: number): Promise<string[]>
}

export const EVENTS_PER_FILLED_RUN = 1_000
/** What runs that are filled in have for an agent. */
export const FILLED_AGENT_KEY = 'filled'
