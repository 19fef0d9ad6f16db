import type { AgeRule } from '../ports/age-rule.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { SessionStore } from '../ports/store/session-store.ts'
import type { SweepStore } from '../ports/store/sweep-store.ts'
import type { Sweep } from '../ports/upkeep.ts'
import type { DeleteAll } from './delete-all.ts'

export interface RetentionPorts {
  store: Pick<
    SweepStore,
    | 'compactRuns'
    | 'deleteRuns'
    | 'deleteEmptyConversations'
    | 'deleteRunsByRule'
    | 'deleteEmptyConversationsByRule'
  > &
    Pick<SessionStore, 'sweepSessions'>
  deleteAll: DeleteAll
  /** Removes files that have expired. Never rejects. */
  tidyFiles(): Promise<void>
  clock: Clock
  log: Logger
  /** A random number from 0 up to, not including, 1. */
  random(): number
}

export interface RetentionPolicy {
  /** Time after its end at which a run is compacted; false for never. */
  compactAfterMs: number | false
  /** Time after its end at which a run is deleted; false for never. */
  deleteAfterMs: number | false
  /** Replaces `deleteAfterMs` for runs and conversations; null when there are no rules. */
  rule: AgeRule | null
  /**
   * How long the address of a new anonymous session is kept, to limit sessions per address; false when there are no
   * sessions.
   */
  sessionAddressMs: number | false
}

/**
 * Compacts and deletes old runs until `signal` aborts. All processes do this, one at a time: one works in small
 * batches, and the others find the work taken or done.
 */
export async function runRetention(
  ports: RetentionPorts,
  policy: RetentionPolicy,
  { intervalMs, signal }: { intervalMs: number; signal: AbortSignal },
): Promise<void> {
  const { store, deleteAll, tidyFiles, clock, log, random } = ports
  const { compactAfterMs, deleteAfterMs, rule, sessionAddressMs } = policy
  while (!signal.aborted) {
    try {
      // Finish deletions of processes that died.
      await deleteAll({ hidden: true })
      await tidyFiles()
      // Delete first, so that no run is compacted just before it is deleted.
      if (rule !== null) {
        await sweep(ports, () => store.deleteRunsByRule(rule), signal)
        await sweep(ports, () => store.deleteEmptyConversationsByRule(rule), signal)
      } else if (deleteAfterMs !== false) {
        await sweep(ports, () => store.deleteRuns(deleteAfterMs), signal)
        await sweep(ports, () => store.deleteEmptyConversations(deleteAfterMs), signal)
      }
      if (sessionAddressMs !== false) {
        const after = { addressMs: sessionAddressMs, deleteAfterMs }
        await sweep(ports, () => store.sweepSessions(after), signal)
      }
      if (compactAfterMs !== false) await sweep(ports, () => store.compactRuns(compactAfterMs), signal)
    } catch (error) {
      if (signal.aborted && error === signal.reason) return
      log.warn({ err: error }, 'compacting and deleting old runs failed; trying again')
    }
    // Jitter keeps the processes from looking all at once.
    await clock.sleep(intervalMs * (0.75 + random() / 2), signal)
  }
}

async function sweep(
  { clock }: RetentionPorts,
  takeBatch: () => Promise<Sweep>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const startedAt = clock.now()
    const { isDone } = await takeBatch()
    if (isDone) return
    // Pause as long as the batch took, so that a large backlog takes at most half of one connection's time.
    await clock.sleep(Math.max(MIN_PAUSE_MS, clock.now() - startedAt), signal)
  }
}

const MIN_PAUSE_MS = 10
