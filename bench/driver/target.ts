/** CPU seconds spent since the processes started. */
interface CpuTime {
  /** API and worker. */
  node: number
  postgres: number
}

/** What workloads are run against: the floor or the system, each an API and a worker process. */
export interface Target {
  readonly name: 'floor' | 'system'
  /** Of the API, without a slash at the end. */
  readonly url: string
  /** Brings its database to where every measurement begins: statistics up to date, no checkpoint due. */
  settle(): Promise<void>
  /** Undefined where the operating system does not tell. */
  readCpuTime(): Promise<CpuTime | undefined>
}
