// Starts and stops the parts of a runtime in order.

/** A part of the runtime that has to be started, or stopped, or both. */
export interface Part {
  start?(): Promise<unknown>
  stop?(): Promise<unknown>
}

/** A loop that goes on until its signal aborts. Stopping waits for it. */
export function loop(run: () => Promise<void>): Part {
  let running: Promise<void> | undefined
  return {
    // Start it without waiting for its end.
    async start() {
      running = run()
    },
    stop: async () => running,
  }
}

export interface Parts {
  /** Starts the parts one after the other. After a failure the next call goes on from there. */
  start(): Promise<void>
  /** Stops the parts in reverse order, whether they were started or not. */
  stop(): Promise<void>
}

export function createParts(parts: readonly Part[]): Parts {
  let next = 0
  return {
    async start() {
      for (; next < parts.length; next += 1) await parts[next]?.start?.()
    },
    async stop() {
      for (const part of parts.toReversed()) await part.stop?.()
    },
  }
}
