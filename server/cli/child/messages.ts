// The messages between a command and the processes that it starts for a runtime.
import type { RuntimeDescription } from '../describe-runtime.ts'
import type { WorkerOptions } from '../options.ts'

export interface ChildTask {
  entry: string
  worker: WorkerOptions
  /** Also serves HTTP on a free port of the loopback, for these host names besides those of the loopback. */
  serving?: { allowedHosts: readonly string[] }
  /** Whether it reports the files that it imports. */
  isWatched: boolean
  /** Whether it executes one isolated run, and then ends. Default: false. */
  isIsolated?: boolean
}

export interface ReadyRuntime {
  runtime: RuntimeDescription
  /** The URL where it serves HTTP, if it does. */
  url: string | undefined
}

/** Paths of files, each with the version that was read. */
export type FileVersions = [path: string, version: string][]

export interface StopMessage {
  kind: 'stop'
  /** Whether runs under way are handed back at once. */
  isHurried: boolean
}

/** Questions that a process answers. */
export type Question =
  /** Its health. Nothing while it does not reach the database. */
  | { about: 'health' }
  /** Its metrics and those of the processes of its isolated runs, as a list. */
  | { about: 'metrics' }
  /** Its metrics together with the given ones, as one text. */
  | { about: 'metrics-text'; others: readonly unknown[] }

export interface AskMessage {
  kind: 'ask'
  id: number
  question: Question
}

export type ParentMessage = StopMessage | AskMessage

export interface MetricsText {
  contentType: string
  text: string
}

export type ChildMessage =
  | { kind: 'imported'; files: FileVersions }
  /** It could not start, for this reason. */
  | { kind: 'failed'; name: string; message: string; stack: string | undefined }
  | { kind: 'ready'; ready: ReadyRuntime }
  /** It has taken its isolated run. */
  | { kind: 'begun' }
  /** Its answer to the question with that id, as JSON. */
  | { kind: 'answer'; id: number; answer: unknown }
  /** Its final metrics, in the form of the answer about metrics. */
  | { kind: 'measured'; metrics: unknown }
  /** It takes no more runs. */
  | { kind: 'draining' }
  /** Sent every second, so a blocked process is silent. `isTaking`: it would take a run now. */
  | { kind: 'alive'; isTaking: boolean }
