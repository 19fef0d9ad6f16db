import type { Hint, HintListener } from '../ports/event-bus.ts'
import type { Logger } from '../ports/logger.ts'

export interface Listeners {
  /** @returns what removes it. */
  add(listener: HintListener): () => void
  tell(hint: Hint): void
  resync(): void
}

/** Whom a bus tells. One that throws keeps neither the others nor the connection from going on. */
export function createListeners(log: Logger): Listeners {
  const listeners = new Set<HintListener>()

  function each(act: (listener: HintListener) => void): void {
    for (const listener of listeners) {
      try {
        act(listener)
      } catch (error) {
        log.error({ err: error }, 'a listener to hints failed')
      }
    }
  }

  return {
    add(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    tell: (hint) => each((listener) => listener.onHint(hint)),
    resync: () => each((listener) => listener.onResync()),
  }
}
