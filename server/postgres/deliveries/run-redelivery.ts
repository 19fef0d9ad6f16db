import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import type { Outbox } from './outbox.ts'

/** Between looks at the outbox of one process: what a run waits whose delivery a crash left there, on top of its grace. */
const INTERVAL_MS = 1_000

interface RedeliveryPorts {
  outbox: Pick<Outbox, 'look'>
  clock: Clock
  log: Logger
  /** A random number from 0 up to, not including, 1. */
  random(): number
}

/** Looks at the outbox until `signal` aborts. Every process does: what two of them send is there once. */
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
      // Once, not once a second.
      if (!isFailing)
        log.warn({ err: error }, 'the queue can not be reached: runs are delivered when it is back')
      isFailing = true
    }
    // With jitter, so that the processes don't look all at once.
    await clock.sleep(INTERVAL_MS * (0.75 + random() / 2), signal)
  }
}
