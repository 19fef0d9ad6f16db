import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import type { Outbox } from './outbox.ts'

/**
 * Time between two looks of a process at the outbox. A delivery that a crash left behind waits this long after its
 * grace period.
 */
const INTERVAL_MS = 1_000

interface RedeliveryPorts {
  outbox: Pick<Outbox, 'look'>
  clock: Clock
  log: Logger
  /** A random number from 0 up to, not including, 1. */
  random(): number
}

/**
 * Looks at the outbox until `signal` aborts. Every process does this. A delivery that two processes send is in the
 * queue once.
 */
export async function runRedelivery(
  { outbox, clock, log, random }: RedeliveryPorts,
  { queues, signal }: { queues: readonly string[]; signal: AbortSignal },
): Promise<void> {
  let isFailing = false
  while (!signal.aborted) {
    try {
      await outbox.look(queues)
      if (isFailing) log.info({}, 'runs are delivered again')
      isFailing = false
    } catch (error) {
      // Log the first of several failures, not each.
      if (!isFailing)
        log.warn({ err: error }, 'the queue cannot be reached: runs are delivered when it is back')
      isFailing = true
    }
    // Jitter keeps the processes from looking all at once.
    await clock.sleep(INTERVAL_MS * (0.75 + random() / 2), signal)
  }
}
