/** An event as far as a workload needs it. */
export interface ReceivedEvent {
  seq: number
  type: string
  /** JSON text, left unparsed: parsing it is not the server's work. */
  data: string
}

interface FollowOptions {
  runId: string
  /** `seq` of the last event the reader has. Default: 0. */
  afterSeq?: number
  onEvent(event: ReceivedEvent): void
}

/** Creates and follows runs over one transport. */
export interface RunClient extends Disposable {
  /** @returns the id of the run. */
  create(agentKey: string): Promise<string>
  /** Resolves when the stream has ended, which it does after the run's terminal event. */
  follow(options: FollowOptions): Promise<void>
}
