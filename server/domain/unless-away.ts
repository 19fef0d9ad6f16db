import type { Clock } from '../ports/clock.ts'
import type { Store } from '../ports/store/store.ts'

interface AwayPorts {
  store: Pick<Store, 'check'>
  clock: Clock
}

/** How long a process that stops waits for a database that does not answer, in milliseconds. */
const AWAY_AFTER_MS = 3_000
const LOOK_EVERY_MS = 250

/**
 * Waits for `work`, which needs the database, but gives up when the database is away: then it might never end.
 *
 * @returns whether it has ended.
 * @throws the error of `work`
 */
export async function unlessAway(ports: AwayPorts, work: Promise<unknown>): Promise<boolean> {
  const ended = new AbortController()
  const done = work.finally(() => ended.abort())
  const outcomes = [done.then(() => true), untilAway(ports, ended.signal).then(() => ended.signal.aborted)]
  return Promise.race(outcomes)
}

async function untilAway({ store, clock }: AwayPorts, signal: AbortSignal): Promise<void> {
  let answeredAt = clock.now()
  while (!signal.aborted && clock.now() - answeredAt < AWAY_AFTER_MS) {
    // Most work ends before the first check.
    await clock.sleep(LOOK_EVERY_MS, signal)
    if (signal.aborted) return
    const asked = new AbortController()
    const answer = store.check().then(
      () => (answeredAt = clock.now()),
      () => {},
    )
    await Promise.race([answer, clock.sleep(AWAY_AFTER_MS, AbortSignal.any([asked.signal, signal]))])
    asked.abort()
  }
}
