/**
 * Keeps silent streams open, with one timer for all of a process. A stream of a running run is written to more often, so that its
 * reader soon notices a dead network. Each transport writes its own bytes.
 */
export interface KeepAlive {
  /** Calls `beat` whenever nothing was written for about the interval. Call `wrote` after each write. */
  watch(stream: { readonly isRunning: boolean }, beat: () => void): Watched
}

interface Watched {
  wrote(): void
  stop(): void
}

interface Entry extends Watched {
  /** Looks since the last write. */
  quietLooks: number
  readonly stream: { readonly isRunning: boolean }
  beat(): void
}

/** Milliseconds that a stream of a running run may be silent. */
const RUNNING_INTERVAL_MS = 2_000
/** Two beats and some time for the network. A view then shows a dead connection in less than 5 s. */
const RUNNING_DEADLINE_MS = 4_500

/**
 * Milliseconds of silence after which a reader considers the connection dead, while a run is running and
 * otherwise.
 */
export function deadlinesOf(intervalMs: number): { runningMs: number; idleMs: number } {
  const idleMs = intervalMs * 3
  return { runningMs: Math.min(idleMs, RUNNING_DEADLINE_MS), idleMs }
}

/** @param intervalMs a stream is never silent for longer. */
export function createKeepAlive(intervalMs: number): KeepAlive {
  const entries = new Set<Entry>()
  // Twice as often: a stream that wrote just after a look would otherwise be silent until the second look.
  const lookMs = Math.min(intervalMs, RUNNING_INTERVAL_MS) / 2
  const idleLooks = Math.floor(intervalMs / lookMs)
  let timer: NodeJS.Timeout | undefined

  function look(): void {
    for (const entry of entries) {
      entry.quietLooks += 1
      if (entry.quietLooks < (entry.stream.isRunning ? 2 : idleLooks)) continue
      entry.quietLooks = 0
      entry.beat()
    }
  }

  return {
    watch(stream, beat) {
      const entry: Entry = {
        quietLooks: 0,
        stream,
        beat,
        wrote: () => (entry.quietLooks = 0),
        stop() {
          entries.delete(entry)
          if (entries.size > 0) return
          clearInterval(timer)
          timer = undefined
        },
      }
      entries.add(entry)
      timer ??= setInterval(look, lookMs).unref()
      return entry
    },
  }
}
