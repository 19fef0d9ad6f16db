/** The only source of time, so that tests can drive it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects, never keeps a process alive. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Resolves when the event loop has made a pass over what is under way, sockets included. */
  nextPass(): Promise<void>
}
