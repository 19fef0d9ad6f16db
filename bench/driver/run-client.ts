import type { StreamParams } from '../agents.ts'

/** The transport over which runs are created and followed. */
export const TRANSPORTS = ['rest', 'trpc', 'socket'] as const
export type Transport = (typeof TRANSPORTS)[number]

/** The part of an event that a workload needs. */
export interface ReceivedEvent {
  seq: number
  /** JSON text. It is not parsed, since parsing is not the server's work. */
  data: string
}

interface FollowOptions {
  runId: string
  /** `seq` of the last event the reader has. Default: 0. */
  afterSeq?: number
  onEvent(event: ReceivedEvent): void
}

export interface RunStream {
  /** Resolves when the stream is over: after the run's terminal event, or when it was closed here. */
  readonly ended: Promise<void>
  /** Stops reading until it is told to go on, like a reader on a slow line. */
  pause(): void
  resume(): void
  close(): void
}

/** Creates and follows runs over one transport. */
export interface RunClient extends Disposable {
  /**
   * Creates a no-op run, or with `params` a run that streams.
   *
   * @returns its id
   */
  create(params?: StreamParams): Promise<string>
  follow(options: FollowOptions): RunStream
}
