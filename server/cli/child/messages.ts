// The messages between a command and the processes that it starts for a runtime.
import type { RuntimeDescription } from '../describe-runtime.ts'
import type { WorkerOptions } from '../options.ts'

export interface ChildTask {
  entry: string
  worker: WorkerOptions
  /** Answers HTTP too, on a free port of the loopback. It answers to these host names besides those of the loopback. */
  serving?: { allowedHosts: readonly string[] }
  /** Whether it reports the files that it imports. */
  isWatched: boolean
  /** Whether it executes one isolated run, and then ends. Default: false. */
  isIsolated?: boolean
}

export interface ReadyRuntime {
  runtime: RuntimeDescription
  /** Its URL, if it answers HTTP. */
  url: string | undefined
}

/** Paths of files with their versions, which change with each save. */
export type FileVersions = [path: string, version: string][]

export interface StopMessage {
  kind: 'stop'
  /** Whether runs under way are handed back at once. */
  isHurried: boolean
}

export type ChildMessage =
  | { kind: 'imported'; files: FileVersions }
  /** It could not start. */
  | { kind: 'failed'; name: string; message: string; stack: string | undefined }
  | { kind: 'ready'; ready: ReadyRuntime }
  /** It has taken its isolated run. */
  | { kind: 'begun' }
  /** It takes no more runs. */
  | { kind: 'draining' }
  /** Sent every second, unless something blocks the process. `isTaking`: it would take a run now. */
  | { kind: 'alive'; isTaking: boolean }
