// Hints within this process only. Other processes poll.
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
      // Tell listeners later, as any other bus does: they must not run on the publisher's stack.
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
