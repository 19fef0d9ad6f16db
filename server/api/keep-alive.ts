/**
 * Keeps silent streams open, all of a process by one timer. The interval is `streamKeepAliveSeconds`; what is written is each
 * transport's own.
 */
export interface KeepAlive {
  /** Calls `beat` whenever nothing was written for about the interval; call `wrote` when something was. */
  watch(beat: () => void): Watched
}

interface Watched {
  wrote(): void
  stop(): void
}

interface Entry extends Watched {
  isQuiet: boolean
  beat(): void
}

/** @param intervalMs a stream is never silent for longer. */
export function createKeepAlive(intervalMs: number): KeepAlive {
  const entries = new Set<Entry>()
  let timer: NodeJS.Timeout | undefined

  function look(): void {
    for (const entry of entries) {
      if (entry.isQuiet) entry.beat()
      entry.isQuiet = !entry.isQuiet
    }
  }

  return {
    watch(beat) {
      const entry: Entry = {
        isQuiet: false,
        beat,
        wrote: () => (entry.isQuiet = false),
        stop() {
          entries.delete(entry)
          if (entries.size > 0) return
          clearInterval(timer)
          timer = undefined
        },
      }
      entries.add(entry)
      // Twice as often: a stream that wrote just after a look is silent until the second one after.
      timer ??= setInterval(look, intervalMs / 2).unref()
      return entry
    },
  }
}
