import type { Clock } from '../ports/clock.ts'
import type { NewHint } from '../ports/event-bus.ts'
import type { Enqueue, Queue } from '../ports/queue.ts'

export interface Delivery {
  enqueue: Enqueue
  /** Tell of what was queued, and is due: to be published once it has committed. */
  hints(): NewHint[]
}

/**
 * Queues runs and remembers which of them can be taken at once. Nobody is woken for the others: a worker that
 * looks and finds nothing costs as much as one that finds something.
 */
export function createDelivery(queue: Pick<Queue, 'enqueue'>, clock: Pick<Clock, 'now'>): Delivery {
  const hints: NewHint[] = []
  return {
    async enqueue(runs, tx) {
      for (const { id, agentKey, lastSeq = 0, delayMs = 0, runAt = null } of runs) {
        const isDue = delayMs === 0 && (runAt === null || Date.parse(runAt) <= clock.now())
        if (isDue) hints.push({ kind: 'queued', agentKey, runs: [{ runId: id, seq: lastSeq }] })
      }
      await queue.enqueue(runs, tx)
    },
    hints: () => hints,
  }
}
