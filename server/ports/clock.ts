/** The only source of time, so that tests can drive it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects, never keeps a process alive. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Resolves after one pass of the event loop, which also serves sockets. */
  nextPass(): Promise<void>
}
