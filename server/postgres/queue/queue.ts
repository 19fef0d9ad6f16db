import { PgBoss } from 'pg-boss'
import type pg from 'pg'
import { z } from 'zod'
import { toProblems } from '../../contract/issues.ts'
import type { Json } from '../../contract/json.ts'
import { RunId } from '../../contract/run.ts'
import type { Logger } from '../../ports/logger.ts'
import type { Queue } from '../../ports/queue.ts'
import { isolatedQueue } from '../../ports/queue.ts'
import type { JoinedQueue } from '../deliveries/joined-deliveries.ts'
import { createBossDatabase } from './database.ts'
import { createDeadLetterQueue, DEAD_LETTER_QUEUE, setAside } from './dead-letters.ts'
import type { Undeliverable } from './dead-letters.ts'

export const QUEUE_SCHEMA = 'agent_runtime_queue'

/** Deliveries are taken and deleted in one transaction, so pg-boss never sees one as active. */
const MAX_DELIVERY_SECONDS = 60
/** The longest time that a delivery may wait: long enough for a queue that no worker serves for a year. */
const MAX_WAITING_SECONDS = 365 * 86_400
/** A delivery is repeated until its run is claimed. The run counts its attempts itself. */
const MAX_DELIVERIES = 1_000_000

// Probes an index once for each queue, however many deliveries wait there. An EXISTS could be planned as a join that
// reads all of them.
const FIND_DUE = {
  name: 'find_due',
  text: `
    SELECT queue.name FROM unnest($1::text[]) AS queue (name)
    CROSS JOIN LATERAL (
      SELECT FROM ${QUEUE_SCHEMA}.job j
      WHERE j.name = queue.name AND j.state IN ('created', 'retry') AND NOT j.blocked
        AND j.start_after <= now()
      LIMIT 1) AS due`,
}

const COUNT_DUE = {
  name: 'count_due',
  text: `
    SELECT count(*)::int AS due FROM unnest($1::text[]) AS queue (name)
    CROSS JOIN LATERAL (
      SELECT FROM ${QUEUE_SCHEMA}.job j
      WHERE j.name = queue.name AND j.state IN ('created', 'retry') AND NOT j.blocked
        AND j.start_after <= now()
      LIMIT $2) AS due`,
}

interface BossQueueOptions {
  pool: pg.Pool
  log: Logger
}

const Payload = z.object({ runId: RunId })
type Payload = z.infer<typeof Payload>

/**
 * The queue on pg-boss. Each agent has a pg-boss queue, so that a worker takes only deliveries of its agents. A
 * delivery is a reason to look at a run; the run's row decides what to do.
 */
export function createBossQueue({ pool, log }: BossQueueOptions): Queue & JoinedQueue {
  const db = createBossDatabase(pool)
  const boss = new PgBoss({
    db,
    schema: QUEUE_SCHEMA,
    migrate: false,
    createSchema: false,
    schedule: false,
    // For jobs that depend on each other, which are not used.
    flowIntervalSeconds: 3_600,
    // No spans for deliveries: every look for more would be a trace, many each second.
    openTelemetry: { enabled: false },
  })
  boss.on('error', (error) => log.error({ err: error }, 'the queue reported an error'))

  return {
    async start(agentKeys) {
      // If the tables are missing, this fails with a clearer message than pg-boss gives.
      await pool.query(`SELECT FROM ${QUEUE_SCHEMA}.version`)
      await boss.start()
      const known = new Set((await boss.getQueues()).map((queue) => queue.name))
      if (!known.has(DEAD_LETTER_QUEUE)) await createDeadLetterQueue(boss)
      const names = agentKeys.flatMap((key) => [key, isolatedQueue(key)])
      for (const agentKey of names.filter((name) => !known.has(name))) {
        await boss.createQueue(agentKey, {
          policy: 'standard',
          retryLimit: MAX_DELIVERIES,
          retryDelay: 0,
          expireInSeconds: MAX_DELIVERY_SECONDS,
          deleteAfterSeconds: 3600,
          retentionSeconds: MAX_WAITING_SECONDS,
        })
      }
    },

    async deliver(runs, tx) {
      const transaction = createBossDatabase(tx)
      for (const [agentKey, group] of Map.groupBy(runs, (run) => run.agentKey)) {
        const jobs = group.map(({ id, delayMs = 0, runAt = null, priority = 0 }) => ({
          data: { runId: id } satisfies Payload,
          ...(priority !== 0 && { priority }),
          ...(delayMs > 0 && { startAfter: delayMs / 1000 }),
          ...(runAt !== null && { startAfter: runAt }),
        }))
        await boss.insert(agentKey, jobs, { db: transaction })
      }
    },

    async findDue(agentKeys) {
      const { rows } = await pool.query<{ name: string }>({ ...FIND_DUE, values: [agentKeys] })
      return rows.map(({ name }) => name)
    },

    async countDue(agentKeys, limit) {
      const { rows } = await pool.query<{ due: number }>({ ...COUNT_DUE, values: [agentKeys, limit] })
      return rows[0]?.due ?? 0
    },

    async take(agentKey, limit, tx) {
      const transaction = createBossDatabase(tx)
      const batchSize = toBatchSize(limit)
      const jobs = await boss.fetch<Json>(agentKey, { batchSize, db: transaction })
      const deliveries: { id: string; runId: string }[] = []
      const undeliverable: Undeliverable[] = []
      for (const { id, data } of jobs) {
        const payload = Payload.safeParse(data)
        if (payload.success) deliveries.push({ id, runId: payload.data.runId })
        else {
          undeliverable.push({ id, queue: agentKey, reason: reasonOf(payload.error), payload: data ?? null })
        }
      }
      if (undeliverable.length > 0) await setAside(boss, undeliverable, { db: transaction, log })
      return {
        runIds: [...new Set(deliveries.map(({ runId }) => runId))],
        mayHaveMore: jobs.length === batchSize,
        async done() {
          const ids = deliveries.map(({ id }) => id)
          if (ids.length > 0) await boss.complete(agentKey, ids, null, { db: transaction })
        },
      }
    },

    async stop() {
      await boss.stop({ close: false, graceful: false })
    },
  }
}

/** The size is part of pg-boss' statement text, so powers of two keep the number of prepared statements small. */
function toBatchSize(limit: number): number {
  return 2 ** Math.floor(Math.log2(Math.min(limit, 256)))
}

function reasonOf({ issues }: z.ZodError): string {
  return toProblems(issues).join('; ')
}
