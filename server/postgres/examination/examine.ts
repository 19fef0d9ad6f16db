import type pg from 'pg'
import type { Examination } from '../../ports/examination.ts'
import type { Logger } from '../../ports/logger.ts'
import { deliverAgain as deliverAgainOver } from '../deliveries/deliver-again.ts'
import { askForRenewal } from '../deliveries/outbox-statements.ts'
import { compareQueueVersion, examineQueue } from './examine-queue.ts'
import { createBossQueue } from '../queue/queue.ts'
import { createBossTimetable } from '../queue/timetable.ts'
import { assertUtf8 } from '../connections/encoding.ts'
import { notificationsArrive } from '../connections/round-trip.ts'
import { toStartupError } from '../connections/database-error.ts'
import { withPool } from '../connections/with-pool.ts'
import { compareMigrations } from '../migrations/migrations.ts'
import { examineRuns, examineWorkers } from './examine-runs.ts'
import { examineSchedules } from './examine-schedules.ts'
import { examineSizes } from './examine-sizes.ts'

interface ExamineOptions {
  databaseUrl: string
  /** The URL over which processes listen, if it differs. */
  directUrl?: string | undefined
  log: Logger
  now: number
}

/** Reads the state of a database and changes nothing. The result says if the database cannot be read. */
export async function examineDatabase(options: ExamineOptions): Promise<Examination> {
  const { databaseUrl, log } = options
  try {
    return await withPool(databaseUrl, log, (pool) => examine(pool, options))
  } catch (error) {
    log.debug({ err: error }, 'the database could not be examined')
    return { state: 'unusable', reason: toStartupError(error, databaseUrl).message }
  }
}

async function examine(pool: pg.Pool, options: ExamineOptions): Promise<Examination> {
  const { databaseUrl, directUrl, log, now } = options
  await assertUtf8(pool)
  const schema = { ...(await compareMigrations(pool)), queue: await compareQueueVersion(pool) }
  // Without the tables no other query works.
  if (schema.pending.length > 0 || schema.queue.found !== schema.queue.needed) {
    return { state: 'outdated', schema }
  }
  return {
    state: 'examined',
    schema,
    notificationsArrive: await notificationsArrive({ databaseUrl, directUrl }),
    workers: await examineWorkers(pool),
    runs: await examineRuns(pool),
    queue: await examineQueue(pool, createBossTimetable({ pool, log }), now),
    schedules: await examineSchedules(pool),
    sizes: await examineSizes(pool),
  }
}

/**
 * Delivers runs again that have no delivery, and requests that queues outside of the database are filled again, since
 * this database does not know their content. A second delivery is harmless: a run is claimed only once.
 *
 * @returns the number of delivered runs, and of queues to fill
 * @throws StartupError that says what is wrong with the database
 */
export async function deliverAgain(
  databaseUrl: string,
  log: Logger,
): Promise<{ runs: number; queues: number }> {
  try {
    return await withPool(databaseUrl, log, async (pool) => ({
      runs: await deliverAgainOver(pool, createBossQueue({ pool, log })),
      queues: await askForRenewal(pool),
    }))
  } catch (error) {
    throw toStartupError(error, databaseUrl)
  }
}
