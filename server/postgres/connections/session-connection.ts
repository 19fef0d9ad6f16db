// Ends the connection of a session when it does not answer, or is no longer needed.
import type pg from 'pg'
import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'

const HEARTBEAT_MS = 10_000
const ANSWER_TIMEOUT_MS = 10_000
/** How long closing may take, since the connection may be broken. */
const CLOSE_TIMEOUT_MS = 1_000

interface Surroundings {
  clock: Clock
  log: Logger
  /** The name in the log: "the … connection". */
  name: string
}

/** Probes a connection until `ended` aborts. Breaks it when it does not answer. */
export async function keepAnswering(
  client: pg.Client,
  ended: AbortSignal,
  { clock, log, name }: Surroundings,
): Promise<void> {
  while (!ended.aborted) {
    await clock.sleep(HEARTBEAT_MS, ended)
    if (ended.aborted) return
    const answered = new AbortController()
    client.query('SELECT 1').then(
      () => answered.abort(),
      (error: unknown) => {
        log.debug({ err: error }, `the ${name} connection broke during a probe`)
        answered.abort()
      },
    )
    await clock.sleep(ANSWER_TIMEOUT_MS, AbortSignal.any([answered.signal, ended]))
    if (answered.signal.aborted || ended.aborted) continue
    log.warn({}, `the ${name} connection no longer answers; opening another`)
    client.connection.stream.destroy()
  }
}

/** Closes a connection, and breaks it if it does not close within a second. */
export async function closeOrBreak(client: pg.Client, { clock, log, name }: Surroundings): Promise<void> {
  const closed = new AbortController()
  const ending = client
    .end()
    .catch((error: Error) => log.debug({ err: error }, `closing the ${name} connection`))
    .then(() => closed.abort())
  await Promise.race([ending, clock.sleep(CLOSE_TIMEOUT_MS, closed.signal)])
  if (!closed.signal.aborted) client.connection.stream.destroy()
}
