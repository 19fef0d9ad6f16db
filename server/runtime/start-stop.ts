// What starts and stops, in order.

/** Something of the runtime that has to be started, or stopped, or both. */
export interface Part {
  start?(): Promise<unknown>
  stop?(): Promise<unknown>
}

/** What goes on until it is told to end, by a signal of its own; it is waited for when the runtime stops. */
export function loop(run: () => Promise<void>): Part {
  let running: Promise<void> | undefined
  return {
    // Begun, not waited for.
    async start() {
      running = run()
    },
    stop: async () => running,
  }
}

export interface Parts {
  /** Starts them one after the other. Where it failed before, it goes on there. */
  start(): Promise<void>
  /** Stops them in reverse, whether they were started or not. */
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
