// The statements of the outbox. An entry is a delivery that its queue has not confirmed. It is written in the transaction
// that queues its run, and deleted when the queue has confirmed it.
import type pg from 'pg'
import { isolatedQueue } from '../../ports/queue.ts'
import type { DueRun, QueuedRun, SentRun } from '../../ports/queue.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import type { Transaction } from '../connections/transaction.ts'
import { IS_TO_BE_DELIVERED } from './to-be-delivered.ts'

/** How long only the process that wrote a due entry sends it. After that, others send it too. */
const GRACE_MS = 2_000

const WRITE = {
  name: 'outbox_write',
  text: `
    INSERT INTO agent_runtime.outbox (run_id, seq, queue, priority, send_at)
    SELECT run_id, seq, queue, priority, CASE
      WHEN delay_ms > 0 OR run_at > now() THEN GREATEST(run_at, now() + delay_ms * interval '1 millisecond')
      ELSE now() + interval '${GRACE_MS} milliseconds'
    END
    FROM unnest($1::uuid[], $2::int[], $3::text[], $4::int[], $5::float8[], $6::timestamptz[])
      AS d (run_id, seq, queue, priority, delay_ms, run_at)
    ON CONFLICT DO NOTHING`,
}

export async function writeOutbox(runs: readonly QueuedRun[], tx: Transaction): Promise<void> {
  await tx.query({
    ...WRITE,
    values: [
      runs.map(({ id }) => id),
      runs.map(({ lastSeq = 0 }) => lastSeq),
      runs.map(({ agentKey }) => agentKey),
      runs.map(({ priority = 0 }) => priority),
      runs.map(({ delayMs = 0 }) => delayMs),
      runs.map(({ runAt = null }) => runAt),
    ],
  })
}

// The entry gets a `seq` that no event has, and so a name of its own. The early delivery is about to be deleted, and an
// entry with the same name would be deleted with it.
const POSTPONE = {
  name: 'outbox_postpone',
  text: `
    INSERT INTO agent_runtime.outbox (run_id, seq, queue, priority, send_at)
    SELECT id, -last_seq - 1, $2, priority, run_at FROM agent_runtime.run r
    WHERE id = ANY ($1::uuid[]) AND ${IS_TO_BE_DELIVERED} AND run_at > now()
    ON CONFLICT DO NOTHING`,
}

/**
 * Writes entries for those runs that are not due yet. A delivery can come too early: delays are measured by a process's
 * clock, and the database's clock may be set back.
 */
export async function postponeRuns(
  client: pg.PoolClient,
  { agentKey, runIds }: { agentKey: string; runIds: readonly string[] },
): Promise<void> {
  await execute(client, POSTPONE, [runIds, agentKey])
}

// Deletes an entry only if its queue still has the epoch with which it was sent: a queue that lost deliveries gets a
// new one. The epoch's row is locked. So a process that notes a loss either waits, and then puts back what is deleted
// here, or comes first, and nothing is deleted.
//
// Rows are locked in one order, epochs before entries, so that statements wait for each other instead of deadlocking.
// Entries are found by an array and deleted by ctid. The table is mostly empty when it is analyzed, so PostgreSQL would
// plan joins that read all of it for each entry.
const CONFIRM = {
  name: 'outbox_confirm',
  text: `
    WITH noted AS MATERIALIZED (
      SELECT queue, epoch FROM agent_runtime.queue_epoch WHERE queue = ANY ($3::text[])
      ORDER BY queue
      FOR SHARE
    ), entry AS MATERIALIZED (
      SELECT ctid AS row, run_id, seq, queue FROM agent_runtime.outbox
      WHERE run_id = ANY ($1::uuid[]) AND (SELECT count(*) FROM noted) > 0
      ORDER BY run_id, seq, queue
      FOR UPDATE
    )
    DELETE FROM agent_runtime.outbox WHERE ctid = ANY (ARRAY(
      SELECT e.row FROM entry e
      JOIN unnest($1::uuid[], $2::int[], $3::text[], $4::text[]) AS d (run_id, seq, queue, epoch)
        ON d.run_id = e.run_id AND d.seq = e.seq AND d.queue = e.queue
      JOIN noted n ON n.queue = d.queue AND n.epoch = d.epoch))
    RETURNING run_id`,
}

/**
 * Deletes the entries of these deliveries, except those whose queue is known to have lost deliveries since.
 *
 * @returns how many were deleted
 */
export async function confirmOutbox(pool: pg.Pool, runs: readonly SentRun[]): Promise<number> {
  const deleted = await execute(pool, CONFIRM, [
    runs.map(({ id }) => id),
    runs.map(({ lastSeq }) => lastSeq),
    runs.map(({ agentKey }) => agentKey),
    runs.map(({ epoch }) => epoch),
  ])
  return deleted.length
}

const FIND = {
  name: 'outbox_find',
  text: `
    SELECT run_id AS id, seq AS "lastSeq", queue AS "agentKey", priority
    FROM agent_runtime.outbox
    WHERE send_at <= now() AND queue <> ALL ($2::text[])
    ORDER BY send_at
    LIMIT $1`,
}

/** Finds entries that any process may send, the oldest first, without those of the queues in `without`. */
export async function findInOutbox(
  pool: pg.Pool,
  limit: number,
  without: readonly string[],
): Promise<DueRun[]> {
  return execute<DueRun>(pool, FIND, [limit, without])
}

const SEE_EPOCHS = {
  text: `
    INSERT INTO agent_runtime.queue_epoch AS e (queue, epoch)
    SELECT * FROM unnest($1::text[], $2::text[]) AS seen (queue, epoch)
    ORDER BY queue
    ON CONFLICT (queue) DO UPDATE SET epoch = EXCLUDED.epoch WHERE e.epoch <> EXCLUDED.epoch
    RETURNING queue`,
}

const READ_EPOCHS = {
  name: 'outbox_epochs',
  text: `SELECT queue, epoch FROM agent_runtime.queue_epoch WHERE queue = ANY ($1::text[])`,
}

// Puts back all runs that wait in a queue or for their time.
const PUT_BACK = {
  text: `
    INSERT INTO agent_runtime.outbox AS o (run_id, seq, queue, priority, send_at)
    SELECT id, last_seq, agent_key, priority, COALESCE(run_at, now()) FROM agent_runtime.run r
    WHERE agent_key = ANY ($1::text[]) AND ${IS_TO_BE_DELIVERED}
    ON CONFLICT (run_id, seq, queue) DO UPDATE SET send_at = LEAST(o.send_at, EXCLUDED.send_at)
    RETURNING run_id`,
}

/** Stored in place of an epoch. It asks the next process that looks to give the queue a new epoch. */
export const RENEW = ''

const ASK_FOR_RENEWAL = {
  text: `UPDATE agent_runtime.queue_epoch SET epoch = '${RENEW}' RETURNING queue`,
}

/**
 * Requests that all queues are filled again. The next process that looks does this.
 *
 * @returns how many queues there are
 */
export async function askForRenewal(pool: pg.Pool): Promise<number> {
  return (await execute(pool, ASK_FOR_RENEWAL, [])).length
}

/** The stored epochs of these queues. */
export async function readEpochs(
  pool: pg.Pool,
  queues: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await execute<{ queue: string; epoch: string }>(pool, READ_EPOCHS, [queues])
  return new Map(rows.map(({ queue, epoch }) => [queue, epoch]))
}

/**
 * Compares epochs with the stored ones. If an epoch changed, all runs that wait in that queue are put into the outbox
 * again.
 *
 * @returns how many runs were put back, and the queues that lost deliveries. A queue that is seen for the first time is
 * not among them.
 */
export async function noteEpochs(
  pool: pg.Pool,
  epochs: ReadonlyMap<string, string>,
  noted: ReadonlyMap<string, string>,
): Promise<{ lost: string[]; runs: number }> {
  const queues = [...epochs.keys()]
  if (queues.every((queue) => noted.get(queue) === epochs.get(queue))) return { lost: [], runs: 0 }
  return inTransaction(pool, async (client) => {
    const changed = await execute<{ queue: string }>(client, SEE_EPOCHS, [queues, [...epochs.values()]])
    const lost = changed.map(({ queue }) => queue)
    const agentKeys = lost.map((queue) => queue.replace(isolatedQueue(''), ''))
    const back = await execute(client, PUT_BACK, [[...new Set(agentKeys)]])
    return { lost: lost.filter((queue) => noted.has(queue)), runs: back.length }
  })
}
