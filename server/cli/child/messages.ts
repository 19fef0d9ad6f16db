// What a command and the processes it starts for a runtime say to each other.
import type { RuntimeDescription } from '../describe-runtime.ts'
import type { WorkerOptions } from '../options.ts'

export interface ChildTask {
  entry: string
  worker: WorkerOptions
  /** Answers HTTP too, on a port of the loopback it chooses, and to these names of it besides those of the loopback. */
  serving?: { allowedHosts: readonly string[] }
  /** Whether it tells which files it imports. */
  isWatched: boolean
  /** Whether it executes one isolated run, and then ends. Default: false. */
  isIsolated?: boolean
}

export interface ReadyRuntime {
  runtime: RuntimeDescription
  /** Where it answers HTTP, if it does. */
  url: string | undefined
}

/** Paths of files, and of each what tells it from a later version of it. */
export type FileVersions = [path: string, version: string][]

export interface StopMessage {
  kind: 'stop'
  /** Whether runs under way are handed back at once. */
  isHurried: boolean
}

/** What a process may be asked. */
export type Question =
  /** How it is. Nothing while it does not reach the database. */
  | { about: 'health' }
  /** What it has measured, and the processes of its isolated runs: a list. */
  | { about: 'metrics' }
  /** What it has measured, and others have, as one text. */
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
  /** What it answers to the question of that id, as JSON. */
  | { kind: 'answer'; id: number; answer: unknown }
  /** What it has measured, to its end: the answer about its metrics. */
  | { kind: 'measured'; metrics: unknown }
  /** It takes no more runs. */
  | { kind: 'draining' }
  /** Said every second: what blocks the process keeps it from saying so. `isTaking`: it would take a run now. */
  | { kind: 'alive'; isTaking: boolean }
