// The statements of the outbox. An entry is a delivery that its queue has not confirmed. It is written in the transaction
// that queues its run, and deleted when the queue has confirmed it.
import type pg from 'pg'
import { isolatedQueue } from '../../ports/queue.ts'
import type { DueRun, QueuedRun, SentRun } from '../../ports/queue.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import type { Transaction } from '../connections/transaction.ts'
import { IS_TO_BE_DELIVERED } from './to-be-delivered.ts'

/** How long the process that wrote a due entry has to send it, before others send it too. */
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

// The name has a `seq` that no event has. The delivery that came too early is about to be deleted, and one of the same name
// would go with it.
const POSTPONE = {
  name: 'outbox_postpone',
  text: `
    INSERT INTO agent_runtime.outbox (run_id, seq, queue, priority, send_at)
    SELECT id, -last_seq - 1, $2, priority, run_at FROM agent_runtime.run r
    WHERE id = ANY ($1::uuid[]) AND ${IS_TO_BE_DELIVERED} AND run_at > now()
    ON CONFLICT DO NOTHING`,
}

/**
 * Writes those of the runs that are not due yet. A process goes by a clock of its own for what it sends after a delay, and
 * the database's may be put back.
 */
export async function postponeRuns(
  client: pg.PoolClient,
  { agentKey, runIds }: { agentKey: string; runIds: readonly string[] },
): Promise<void> {
  await execute(client, POSTPONE, [runIds, agentKey])
}

// A queue that lost what it had has another epoch since. Its row is locked: whoever notes the loss waits for this, and
// puts back what is deleted here, or comes first, and nothing is deleted. In one order, and epochs before entries, so that
// those that come together wait for each other instead of deadlocking. Entries by an array and then by ctid: of a table
// that is empty whenever it is analyzed, joins are planned that read all of it for each entry.
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
 * Deletes the entries of deliveries whose queues are not known to have lost anything since.
 *
 * @returns how many.
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

/** Entries that any process may send, the oldest first, without those of some queues. */
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

// All runs that wait in a queue or for their time.
const PUT_BACK = {
  text: `
    INSERT INTO agent_runtime.outbox AS o (run_id, seq, queue, priority, send_at)
    SELECT id, last_seq, agent_key, priority, COALESCE(run_at, now()) FROM agent_runtime.run r
    WHERE agent_key = ANY ($1::text[]) AND ${IS_TO_BE_DELIVERED}
    ON CONFLICT (run_id, seq, queue) DO UPDATE SET send_at = LEAST(o.send_at, EXCLUDED.send_at)
    RETURNING run_id`,
}

/** Noted in place of an epoch, it asks the next process that looks to give the queue a new one. */
export const RENEW = ''

const ASK_FOR_RENEWAL = {
  text: `UPDATE agent_runtime.queue_epoch SET epoch = '${RENEW}' RETURNING queue`,
}

/**
 * Asks for all queues to be filled again. The next process that looks does it.
 *
 * @returns how many there are.
 */
export async function askForRenewal(pool: pg.Pool): Promise<number> {
  return (await execute(pool, ASK_FOR_RENEWAL, [])).length
}

/** The epochs that were noted of these queues. */
export async function readEpochs(
  pool: pg.Pool,
  queues: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await execute<{ queue: string; epoch: string }>(pool, READ_EPOCHS, [queues])
  return new Map(rows.map(({ queue, epoch }) => [queue, epoch]))
}

/**
 * Compares epochs with those that were noted. What waits in a queue with another one is put into the outbox again.
 *
 * @returns how many runs were put back, and the queues that have lost what they had; those seen for the first time have
 * not.
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
