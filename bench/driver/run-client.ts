import type { StreamParams } from '../agents.ts'

/** Over what runs are created and followed. */
export const TRANSPORTS = ['rest', 'trpc', 'socket'] as const
export type Transport = (typeof TRANSPORTS)[number]

/** An event as far as a workload needs it. */
export interface ReceivedEvent {
  seq: number
  /** JSON text, left unparsed: parsing it is not the server's work. */
  data: string
}

interface FollowOptions {
  runId: string
  /** `seq` of the last event the reader has. Default: 0. */
  afterSeq?: number
  onEvent(event: ReceivedEvent): void
}

export interface RunStream {
  /** Resolves when the stream is over: after the run's terminal event, or closed from here. */
  readonly ended: Promise<void>
  /** Reads no more, as a reader on a slow line, until it is told to go on. */
  pause(): void
  resume(): void
  close(): void
}

/** Creates and follows runs over one transport. */
export interface RunClient extends Disposable {
  /** A no-op, or with `params` a run that streams. @returns its id. */
  create(params?: StreamParams): Promise<string>
  follow(options: FollowOptions): RunStream
}
