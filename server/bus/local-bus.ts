// Hints within this process alone: others look by themselves, at their poll intervals.
import { toBareHint } from './hint-text.ts'
import { createListeners } from './listeners.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { Logger } from '../ports/logger.ts'

export function createLocalBus({ log }: { log: Logger }): EventBus {
  const listeners = createListeners(log)
  let isStopped = false
  return {
    start: async () => {},
    isListening: false,
    publish(hints) {
      if (isStopped) return
      // Later, as from any bus: whoever publishes is not to find the consequences on its own stack.
      queueMicrotask(() => {
        for (const hint of hints) listeners.tell(toBareHint(hint))
      })
    },
    subscribe: (listener) => listeners.add(listener),
    async stop() {
      isStopped = true
    },
  }
}
