import type { Clock } from '../ports/clock.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { Logger } from '../ports/logger.ts'
import type { ConversationStore } from '../ports/store/conversation-store.ts'
import type { GateStore, ParkedCursor } from '../ports/store/gate-store.ts'
import type { SweepStore } from '../ports/store/sweep-store.ts'
import type { Upkeep } from '../ports/upkeep.ts'
import { logEnded } from './log-ended.ts'
import { hintsOf } from './hints.ts'
import type { PassOn } from './pass-on.ts'
import type { TellFamilies } from './tell-families.ts'

export interface UpkeepPorts {
  store: Pick<SweepStore, 'findUpkeep' | 'recoverRuns' | 'expireRuns'> &
    Pick<ConversationStore, 'giveTurns'> &
    Pick<GateStore, 'letInParked'>
  bus: Pick<EventBus, 'publish'>
  clock: Clock
  log: Logger
  /** Starts to create the runs of due schedules, and returns at once. */
  createDueRuns(): void
  tellFamilies: TellFamilies
  passOn: PassOn
  /** A random number from 0 up to, not including, 1. */
  random(): number
}

/** How long workers get to come back after an outage of the database. They reconnect within a second. */
const OUTAGE_GRACE_MS = 3_000

/**
 * If another process looked within this share of the interval, this look is skipped. It is less than the shortest
 * jittered interval.
 */
const RECENT = 0.7

/**
 * Recovers runs of lost workers, ends runs that were not started in time, and gives turns that nobody gave, until
 * `signal` aborts. Every process calls it, servers and workers. One process looks, and the others skip that look.
 *
 * A worker counts as lost when it was absent at two looks in a row: a worker whose connection broke is back by then.
 * After an outage of the database all workers are absent and their leases have run out, so they get time to come back.
 * A wrong guess is harmless, because the worker's writes are fenced.
 */
export async function runUpkeep(
  ports: UpkeepPorts,
  { intervalMs, signal }: { intervalMs: number; signal: AbortSignal },
): Promise<void> {
  let suspects = new Set<string>()
  let parked: ParkedCursor = { principal: null, tenantId: null }
  let trustedFrom = -Infinity
  while (!signal.aborted) {
    // Jitter keeps the processes from looking all at once.
    await ports.clock.sleep(intervalMs * (0.75 + ports.random() / 2), signal)
    if (signal.aborted) return
    try {
      // A process that suspects a worker must make the second look itself, even if another looked just now.
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

/** @returns how far the search for parked runs has come */
async function doWhatIsDue(
  ports: UpkeepPorts,
  found: Upkeep,
  { gone, parked }: { gone: readonly string[]; parked: ParkedCursor },
): Promise<ParkedCursor> {
  const { store, bus, log } = ports
  if (found.hasDueSchedule) ports.createDueRuns()
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
  if (found.hasFamilyNews) await ports.tellFamilies()
  if (found.hasLeftMessages) await ports.passOn()
  const conversationIds = found.freeConversationIds
  const given = conversationIds.length > 0 ? await store.giveTurns({ conversationIds, ifLocked: 'skip' }) : []
  // Let in parked runs last, since the runs that ended above make room.
  if (!found.hasParkedRun && given.every(({ parkedFor }) => parkedFor === null)) return parked
  return store.letInParked(parked)
}
