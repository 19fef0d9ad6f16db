import type { ClientClock } from './clock.ts'

interface ListenersOptions {
  clock: ClientClock
  /** Milliseconds without listeners before `detach`. A remount within that time keeps the connection. */
  detachDelayMs: number
  attach(): void
  detach(): void
}

export interface Listeners {
  readonly size: number
  tell(): void
  /** @returns a function that removes the listener. */
  add(listener: () => void): () => void
}

/** The listeners of a store. It is attached from the first one on, and detached a moment after the last has left. */
export function createListeners({ clock, detachDelayMs, attach, detach }: ListenersOptions): Listeners {
  const listeners = new Set<() => void>()
  let detaching: AbortController | undefined

  async function detachLater(): Promise<void> {
    const controller = new AbortController()
    detaching = controller
    await clock.sleep(detachDelayMs, controller.signal)
    if (!controller.signal.aborted) detach()
  }

  return {
    get size() {
      return listeners.size
    },
    tell() {
      for (const listener of [...listeners]) listener()
    },
    add(listener) {
      // Each call has its own function, because the same listener may subscribe twice.
      const call = () => listener()
      listeners.add(call)
      detaching?.abort()
      attach()
      return () => {
        if (listeners.delete(call) && listeners.size === 0) void detachLater()
      }
    },
  }
}
