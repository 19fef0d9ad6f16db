import type pg from 'pg'
import { Message } from '../../contract/message.ts'
import type { RunStatus } from '../../contract/run.ts'
import type { Scope } from '../../contract/scope.ts'
import type { Reach } from '../../ports/owner.ts'
import { forEachScope, isReached, reachValues } from '../owned-by.ts'
import { execute } from '../connections/transaction.ts'
import { boundedRows, rowBytesSql } from './bounded-rows.ts'

const spokenTo = (scope: Scope) => `
  agent_runtime.message m JOIN agent_runtime.run r ON r.id = m.run_id
  WHERE m.conversation_id = $1 AND ${isReached(scope, 'r', 5)} AND r.status = ANY ($2::agent_runtime.run_status[])`

const READ = forEachScope(
  'read_history',
  (scope) => `
    WITH RECURSIVE ${boundedRows(
      `SELECT row_number() OVER (ORDER BY ordinal DESC, position DESC) AS n, run_id, position
       FROM (
         SELECT m.run_id, m.position, r.ordinal FROM ${spokenTo(scope)}
         ORDER BY r.ordinal DESC, m.position DESC
         OFFSET $3::bigint LIMIT $4
       ) AS newest`,
      `SELECT ${rowBytesSql(['m.body'])} FROM agent_runtime.message m
       WHERE m.run_id = c.run_id AND m.position = c.position`,
    )}
    SELECT total.count, m.body
    FROM (SELECT count(*)::int AS count FROM ${spokenTo(scope)}) AS total
    LEFT JOIN (
      page JOIN candidates c USING (n)
      JOIN agent_runtime.message m ON m.run_id = c.run_id AND m.position = c.position) ON true
    ORDER BY n DESC`,
)

/** A window of what was said, oldest first; of large messages it has fewer than asked for, the newest of them. */
export async function readHistory(
  pool: pg.Pool,
  { reach, conversationId }: { reach: Reach; conversationId: string },
  window: { limit: number; offset: number; statuses: readonly RunStatus[] },
): Promise<{ messages: Message[]; total: number }> {
  const { limit, offset, statuses } = window
  const rows = await execute<{ count: number; body: unknown }>(pool, READ[reach.scope], [
    conversationId,
    statuses,
    offset,
    limit,
    ...reachValues(reach),
  ])
  const messages = rows.flatMap(({ body }) => (body === null ? [] : [Message.parse(body)]))
  return { messages, total: rows[0]?.count ?? 0 }
}
