import type { Clock } from '../ports/clock.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { Logger } from '../ports/logger.ts'
import type { ConversationStore } from '../ports/store/conversation-store.ts'
import type { GateStore, ParkedCursor } from '../ports/store/gate-store.ts'
import type { SweepStore } from '../ports/store/sweep-store.ts'
import type { Upkeep } from '../ports/upkeep.ts'
import { logEnded } from './log-ended.ts'
import { hintsOf } from './hints.ts'

export interface UpkeepPorts {
  store: Pick<SweepStore, 'findUpkeep' | 'recoverRuns' | 'expireRuns'> &
    Pick<ConversationStore, 'giveTurns'> &
    Pick<GateStore, 'letInParked'>
  bus: Pick<EventBus, 'publish'>
  clock: Clock
  log: Logger
  /** A random number from 0 up to, not including, 1. */
  random(): number
}

/** More than workers take to be back once the database is: their connections are made again within a second. */
const OUTAGE_GRACE_MS = 3_000

/** Share of the interval in which another process's look does; less than its shortest jitter. */
const RECENT = 0.7

/**
 * Until `signal` aborts, does what has to be done though nobody asks for it: has runs go on whose worker is
 * gone, ends those that were not started in time, gives turns that nobody gave. Every process is ready to, API and
 * worker: whoever asks first looks, and the others need not for a while.
 *
 * A worker counts as gone when it was absent at two looks in a row: one whose connection broke is back
 * by then. After an outage of the database all are absent, and leases have run out, until they are back: they
 * are given time for it. Should it be wrong, the lost worker's writes are fenced all the same.
 */
export async function runUpkeep(
  ports: UpkeepPorts,
  { intervalMs, signal }: { intervalMs: number; signal: AbortSignal },
): Promise<void> {
  let suspects = new Set<string>()
  let parked: ParkedCursor = { principal: null, tenantId: null }
  let trustedFrom = -Infinity
  while (!signal.aborted) {
    // With jitter, so that the processes don't look all at once.
    await ports.clock.sleep(intervalMs * (0.75 + ports.random() / 2), signal)
    if (signal.aborted) return
    try {
      // Whoever suspects a worker looks again itself, or its suspicion would be of no use.
      const found = await ports.store.findUpkeep(suspects.size > 0 ? 0 : intervalMs * RECENT)
      if (found === null) continue
      if (ports.clock.now() < trustedFrom) {
        parked = await doWhatIsDue(ports, { ...found, hasExpiredLease: false }, { gone: [], parked })
        continue
      }
      const gone = found.absentWorkerIds.filter((id) => suspects.has(id))
      suspects = new Set(found.absentWorkerIds)
      parked = await doWhatIsDue(ports, found, { gone, parked })
    } catch (error) {
      suspects = new Set()
      trustedFrom = ports.clock.now() + OUTAGE_GRACE_MS
      ports.log.warn({ err: error }, 'looking for lost workers failed; trying again')
    }
  }
}

/** @returns how far it has come with parked runs */
async function doWhatIsDue(
  ports: UpkeepPorts,
  found: Upkeep,
  { gone, parked }: { gone: readonly string[]; parked: ParkedCursor },
): Promise<ParkedCursor> {
  const { store, bus, log } = ports
  if (gone.length > 0 || found.hasExpiredLease) {
    const recovered = await store.recoverRuns(gone)
    if (recovered.length > 0)
      log.warn({ runs: recovered.length, workers: gone }, 'took runs from lost workers')
    logEnded(recovered, log)
    bus.publish(hintsOf(recovered))
  }
  if (found.hasExpiredRun) {
    const expired = await store.expireRuns()
    logEnded(expired, log)
    bus.publish(hintsOf(expired))
  }
  const conversationIds = found.freeConversationIds
  const given = conversationIds.length > 0 ? await store.giveTurns({ conversationIds, ifLocked: 'skip' }) : []
  // Last: what has ended above makes room.
  if (!found.hasParkedRun && given.every(({ parkedFor }) => parkedFor === null)) return parked
  return store.letInParked(parked)
}
