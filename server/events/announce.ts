import type { Clock } from '../ports/clock.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { QueuedRun } from '../ports/queue.ts'

/**
 * Tells workers of runs that were delivered and can be taken at once. Nobody is woken for the others: a worker that
 * looks and finds nothing costs as much as one that finds something.
 */
export function createAnnounce(
  bus: Pick<EventBus, 'publish'>,
  clock: Pick<Clock, 'now'>,
): (runs: readonly QueuedRun[]) => void {
  return (runs) => {
    const due = runs.filter(
      ({ delayMs = 0, runAt = null }) =>
        delayMs === 0 && (runAt === null || Date.parse(runAt) <= clock.now()),
    )
    bus.publish(
      due.map(({ id, agentKey, lastSeq = 0, conversationId }) => ({
        kind: 'queued',
        agentKey,
        runs: [{ runId: id, seq: lastSeq, ...(conversationId ? { conversationId } : {}) }],
      })),
    )
  }
}
