import type { Clock, EventBus, Hint, Logger, Queue, Store } from '../ports.ts'

export interface RecoveryPorts {
  store: Pick<Store, 'findLostWorkers' | 'recoverRuns'>
  queue: Pick<Queue, 'enqueue'>
  bus: Pick<EventBus, 'publish'>
  clock: Clock
  log: Logger
  random(): number
}

/**
 * Until `signal` aborts, looks for runs whose worker is gone and has them go on. Every worker process
 * does, and who comes first does it; the others find nothing left.
 *
 * A worker counts as gone when it was absent at two looks in a row: one whose connection broke is back
 * by then. Should it be wrong, the lost worker's writes are fenced all the same.
 */
export async function recoverLostRuns(
  ports: RecoveryPorts,
  { intervalMs, signal }: { intervalMs: number; signal: AbortSignal },
): Promise<void> {
  const { store, queue, bus, clock, log } = ports
  let suspects = new Set<string>()
  while (!signal.aborted) {
    // With jitter, so that the processes don't look all at once.
    await clock.sleep(intervalMs * (0.75 + ports.random() / 2), signal)
    if (signal.aborted) return
    try {
      const lost = await store.findLostWorkers()
      const absent = lost.filter((worker) => worker.isAbsent).map((worker) => worker.id)
      const gone = absent.filter((id) => suspects.has(id))
      suspects = new Set(absent)
      if (gone.length === 0 && !lost.some((worker) => worker.hasExpiredLease)) continue
      const recovered = await store.recoverRuns(gone, (runs, tx) => queue.enqueue(runs, tx))
      if (recovered.length > 0)
        log.warn({ runs: recovered.length, workers: gone }, 'took runs from lost workers')
      bus.publish(
        recovered.flatMap((run): Hint[] => [
          { kind: 'events', runId: run.id, seq: run.lastSeq },
          ...(run.status === 'queued' ? [{ kind: 'queued' as const, agentKey: run.agentKey }] : []),
        ]),
      )
    } catch (error) {
      log.warn({ err: error }, 'looking for lost workers failed; trying again')
    }
  }
}
