import type { Clock } from '../ports/clock.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { QueuedRun } from '../ports/queue.ts'

/**
 * Tells workers of delivered runs that can be taken at once. Later ones are not announced, because a worker's look
 * costs the same when it finds nothing.
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
