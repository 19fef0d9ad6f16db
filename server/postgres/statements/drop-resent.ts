// A client may send a run together with all earlier messages of its conversation. These are not stored again. This is
// decided under the conversation's lock.
import type pg from 'pg'
import { filesIn } from '../../contract/file.ts'
import { Message } from '../../contract/message.ts'
import { countSaidAgain } from '../../contract/said-again.ts'
import { OPEN } from '../../lifecycle/statuses.ts'
import type { NewRun } from '../../ports/create-run.ts'
import { execute } from '../connections/transaction.ts'
import { LATEST, branchPath, isOnPath, rankOf, untilPosition } from './branch-path.ts'
import { isSpoken } from './spoken.ts'

/** Where positions of sent messages begin, which become messages of the run when it is over. */
const SENT_FROM = 900_000

// A client that sends no tool calls and results does not know them, so they are left out (unless $4). If the
// conversation is longer than the sent messages, reading stops as soon as that is clear, by messages ($2) or bytes
// ($3). A run that interrupts ($6) cancels runs that have not begun, so their input is left out: it is then no history.
const READ = {
  name: 'resent_read',
  text: `
    WITH RECURSIVE ${branchPath({
      conversationId: '$1',
      branch: '$5',
      ordinal: LATEST,
    })}, spoken AS (
      SELECT o.id, ${rankOf('o')} AS ordinal, o.status, o.sent, ${untilPosition('o')} AS until
      FROM agent_runtime.run o CROSS JOIN path
      WHERE o.conversation_id = $1 AND ${isOnPath('o', isSpoken('o'))}
        AND NOT ($6::bool AND o.status IN ${OPEN} AND o.attempt = 0)
    )
    SELECT CASE WHEN bytes <= $3::bigint THEN body END AS body, "isIncomplete", "isSent", "isGoingOn"
    FROM (
      SELECT m.*, sum(octet_length(m.body::text)) OVER (ORDER BY ordinal, position) AS bytes
      FROM (
        SELECT first.ordinal, said.*, first.status IN ${OPEN} AS "isGoingOn"
        FROM (SELECT * FROM spoken ORDER BY ordinal) AS first
        CROSS JOIN LATERAL (
          SELECT m.position, m.body, m.origin = 'incomplete' AS "isIncomplete", false AS "isSent"
          FROM agent_runtime.message m
          WHERE m.run_id = first.id AND m.position < first.until AND ($4::bool OR m.body ->> 'role' <> 'tool'
            AND (m.body ->> 'role' <> 'assistant' OR m.body -> 'content' NOT IN ('null', '""')))
          UNION ALL
          SELECT ${SENT_FROM} + s.position, s.body, false, true FROM agent_runtime.sent_message s
          WHERE first.sent IS NOT NULL AND first.status IN ${OPEN}
            AND s.run_id = first.id AND ${SENT_FROM} + s.position < first.until
          ORDER BY position
        ) AS said
        ORDER BY first.ordinal, said.position
        LIMIT $2
      ) AS m
    ) AS bounded
    ORDER BY ordinal, position`,
}

interface Row {
  /** Null when it is beyond the bytes that could be equal. */
  body: unknown
  isIncomplete: boolean
  isSent: boolean
  isGoingOn: boolean
}

/** A factor for the bytes: JSON in the database has spaces, and may write numbers differently. */
const MORE_BYTES = 4

/** Removes from the runs' messages those that their (locked) conversations already have on the chosen branch. */
export async function dropResent(
  client: pg.PoolClient,
  runs: readonly NewRun[],
  chosen: ReadonlyMap<string, number>,
): Promise<NewRun[]> {
  const kept: NewRun[] = []
  for (const run of runs) {
    const branch = chosen.get(run.conversationId ?? '')
    const count = branch === undefined ? 0 : await countResent(client, run, branch)
    const messages = run.messages.slice(count)
    kept.push(count === 0 ? run : { ...run, messages, fileIds: filesIn(messages) })
  }
  return kept
}

async function countResent(
  client: pg.PoolClient,
  { messages, insteadOf, conversationId, conversationPolicy }: NewRun,
  branch: number,
): Promise<number> {
  if (messages.length < 2 || insteadOf !== null) return 0
  const hasTools = messages.some(
    (message) =>
      message.role === 'tool' || (message.role === 'assistant' && (message.toolCalls?.length ?? 0) > 0),
  )
  const bytes = Buffer.byteLength(JSON.stringify(messages)) * MORE_BYTES
  const rows = await execute<Row>(client, READ, [
    conversationId,
    messages.length,
    bytes,
    hasTools,
    branch,
    conversationPolicy === 'interrupt',
  ])
  if (rows.length >= messages.length || rows.some(({ body }) => body === null)) return 0
  const before = rows.map(({ body, ...how }) => ({ message: Message.parse(body), ...how }))
  return countSaidAgain(before, messages, { isGoingOn: rows.at(-1)?.isGoingOn ?? false })
}
