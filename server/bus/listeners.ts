import type { Hint, HintListener } from '../ports/event-bus.ts'
import type { Logger } from '../ports/logger.ts'

export interface Listeners {
  /** @returns a function that removes it. */
  add(listener: HintListener): () => void
  tell(hint: Hint): void
  resync(): void
}

/** The listeners of a bus. An error in one is logged, and disturbs neither the others nor the connection. */
export function createListeners(log: Logger): Listeners {
  const listeners = new Set<HintListener>()

  function each(act: (listener: HintListener) => void): void {
    for (const listener of listeners) {
      try {
        act(listener)
      } catch (error) {
        log.error({ err: error }, 'a listener for hints failed')
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
