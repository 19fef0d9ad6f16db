// Messages sent to runs under way. The run's row is locked while a message gets its position, and when the run ends. So
// every message is either taken by the run or left unread.
import type pg from 'pg'
import { toStorableJson } from '../../contract/storable-json.ts'
import { isTerminal } from '../../contract/terminal.ts'
import type { Owner } from '../../ports/owner.ts'
import { MAX_UNREAD_BYTES } from '../../ports/store/sent-store.ts'
import type { NewSentMessage, SendOutcome, TakenMessage } from '../../ports/store/sent-store.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import type { Executor } from '../connections/transaction.ts'
import { lockRun } from './lock-run.ts'
import { toRun } from '../rows/run-row.ts'

/** The most unread messages of a run, which reads them all at once. */
const MAX_UNREAD = 100
/** The most messages sent to one run. They have reserved positions among its messages. */
const MAX_SENT = 10_000
/** The most bytes sent to one run: half of what all its messages may have, which include these. */
const MAX_SENT_BYTES = 4 * MAX_UNREAD_BYTES

// A separate statement after the lock, so that it sees messages sent while waiting for the lock.
const LOOK = {
  name: 'sent_look',
  text: `
    SELECT COALESCE(r.sent, 0) AS sent, r.cancel_requested_at IS NOT NULL AS "isStopping",
      (SELECT s.id FROM agent_runtime.sent_message s WHERE s.run_id = r.id AND s.key = $2) AS "sentBefore",
      (count(*) FILTER (WHERE unread))::int AS unread,
      COALESCE(sum(size) FILTER (WHERE unread), 0)::int AS "unreadBytes",
      COALESCE(sum(size), 0)::int AS bytes
    FROM agent_runtime.run r
    LEFT JOIN LATERAL (
      SELECT s.taken_at IS NULL AS unread, octet_length(s.body::text) AS size
      FROM agent_runtime.sent_message s WHERE s.run_id = r.id
    ) AS messages ON true
    WHERE r.id = $1
    GROUP BY r.id`,
}

const INSERT = {
  name: 'sent_insert',
  text: `
    WITH counted AS (
      UPDATE agent_runtime.run SET sent = COALESCE(sent, 0) + cardinality($2::uuid[]) WHERE id = $1 RETURNING id, sent
    )
    INSERT INTO agent_runtime.sent_message (run_id, position, id, body, key, create_key, fingerprint)
    SELECT c.id, c.sent - cardinality($2::uuid[]) + m.n, m.id, m.body, $4, $5, $6
    FROM counted c CROSS JOIN unnest($2::uuid[], $3::jsonb[]) WITH ORDINALITY AS m (id, body, n)`,
}

interface NewBody {
  id: string
  /** JSON. */
  body: string
}

interface Sent {
  messages: readonly NewBody[]
  /** The idempotency key of a `send`. */
  key?: string | null
  /** The key of a create with the policy `steer`. */
  createKey?: string | null
  fingerprint?: string | null
}

/** Inserts messages to a run whose row is locked and which has room for them. */
export async function insertSent(
  client: Executor,
  runId: string,
  { messages, key = null, createKey = null, fingerprint = null }: Sent,
): Promise<void> {
  await execute(client, INSERT, [
    runId,
    messages.map(({ id }) => id),
    messages.map(({ body }) => body),
    key,
    createKey,
    fingerprint,
  ])
}

interface Look {
  sent: number
  isStopping: boolean
  sentBefore: string | null
  unread: number
  unreadBytes: number
  /** Bytes of all messages that it was sent. */
  bytes: number
}

/** `full`: there is room when the run has read some. `spent`: there is no more room. */
export function roomFor(messages: readonly NewBody[], look: Look): 'some' | 'full' | 'spent' {
  const size = messages.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0)
  if (look.sent + messages.length > MAX_SENT || look.bytes + size > MAX_SENT_BYTES) return 'spent'
  if (look.unread + messages.length > MAX_UNREAD || look.unreadBytes + size > MAX_UNREAD_BYTES) return 'full'
  return 'some'
}

/** Counts the messages sent to a run whose row is locked. */
export async function lookAtSent(
  client: Executor,
  runId: string,
  key: string | null,
): Promise<Look | undefined> {
  const [look] = await execute<Look>(client, LOOK, [runId, key])
  return look
}

export async function sendMessage(
  pool: pg.Pool,
  owner: Owner,
  { id, runId, message, key }: NewSentMessage,
): Promise<SendOutcome> {
  return inTransaction(pool, async (client) => {
    const row = await lockRun(client, owner, runId)
    if (row === undefined) return { kind: 'not-found' }
    const run = toRun(row)
    const look = await lookAtSent(client, runId, key)
    if (look === undefined) return { kind: 'not-found' }
    const { isStopping, unread, sentBefore } = look
    const messages = [{ id, body: toStorableJson(message) }]
    if (sentBefore !== null) return { kind: 'sent', run, messageId: sentBefore, isNew: false }
    if (isTerminal(run.status) || isStopping) return { kind: 'over', run }
    if (run.conversationId === null) return { kind: 'alone' }
    const room = roomFor(messages, look)
    if (room === 'spent') return { kind: 'spent' }
    if (room === 'full') return { kind: 'full', unread }
    await insertSent(client, runId, { messages, key })
    return { kind: 'sent', run, messageId: id, isNew: true }
  })
}

// Messages that were taken for a step which was not stored are taken again.
const TAKE = {
  name: 'sent_take',
  text: `
    UPDATE agent_runtime.sent_message s SET taken_at = COALESCE(s.taken_at, now())
    FROM agent_runtime.run r
    WHERE r.id = $1 AND r.attempt = $2 AND r.status = 'running'
      AND s.run_id = r.id AND NOT s.is_stored AND s.left_at IS NULL
    RETURNING s.position, s.id, s.body`,
}

export async function takeSent(
  pool: pg.Pool,
  { id, attempt }: { id: string; attempt: number },
): Promise<TakenMessage[]> {
  const taken = await execute<TakenMessage>(pool, TAKE, [id, attempt])
  return taken.toSorted((a, b) => a.position - b.position)
}
