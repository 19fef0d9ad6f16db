// Pages of what somebody reaches, newest first, bounded by count and by bytes before a row leaves the database.
import type pg from 'pg'
import type { Page, PageCursor } from '../../contract/page.ts'
import { encodeCursor } from '../../contract/page.ts'
import type { Scope } from '../../contract/scope.ts'
import type { Reach } from '../../ports/owner.ts'
import { isReached, reachValues } from '../owned-by.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import type { Statement } from '../connections/transaction.ts'
import { boundedRows, rowBytesSql } from './bounded-rows.ts'

interface Listed<TRow, TItem, TFilter> {
  table: 'run' | 'conversation' | 'file' | 'schedule' | 'memory' | 'webhook_delivery'
  /** Tells statements apart that select other columns of a table. */
  variant?: string
  /** The select list of a row, for a table named `r`. */
  columns: string
  /** Of the columns, those that may be large. */
  large: readonly string[]
  /** SQL for the bytes of what is selected from other tables for the row `r`. */
  furtherBytes?: string
  /** What each field of the filter asks of a row named `r`. */
  filters: Record<keyof TFilter, Condition>
  toItem(row: TRow): TItem
  /** SQL that is true for those rows named `r` that there are for anybody. */
  existing: string
}

/**
 * Its name, for that of the statement, and its SQL, with a parameter for the value that is asked for. One that may have to look
 * through much has a time for that: a statement with it is cancelled then.
 */
type Condition = readonly [name: string, toSql: (parameter: string) => string, withinMs?: number]

interface Query<TFilter> {
  reach: Reach
  /** Undefined where anything will do. */
  filter: TFilter
  cursor: PageCursor | null
  limit: number
}

interface PageRow {
  id: string | null
  count: number
  candidates: number
}

/** A page and its count are of one moment: a row between the two would look like one more page. */
export async function listRows<TRow extends { id: string }, TItem extends { id: string }, TFilter>(
  pool: pg.Pool,
  listed: Listed<TRow, TItem, TFilter>,
  query: Query<TFilter>,
): Promise<Page<TItem>> {
  const { reach, filter, cursor, limit } = query
  const given = (Object.keys(listed.filters) as (keyof TFilter)[]).filter(
    (field) => filter[field] !== undefined,
  )
  const asked = given.map((field) => listed.filters[field])
  // One more than asked for tells whether there is a page after this one.
  const values = [
    limit + 1,
    ...given.map((field) => filter[field]),
    ...(cursor === null ? [] : [cursor.id]),
    ...reachValues(reach),
  ]
  const statement = toStatement(listed, asked, { cursor, scope: reach.scope })
  const limits = asked.flatMap(([, , withinMs]) => withinMs ?? [])
  const rows =
    limits.length === 0
      ? await execute<TRow & PageRow>(pool, statement, values)
      : await inTransaction(pool, async (client) => {
          const [, found] = await Promise.all([
            execute(client, LIMIT_TIME, [Math.min(...limits)]),
            execute<TRow & PageRow>(client, statement, values),
          ])
          return found
        })
  const items = rows.flatMap((row) => (row.id === null ? [] : [listed.toItem(row)])).slice(0, limit)
  const { count = 0, candidates = 0 } = rows[0] ?? {}
  return toPage(items, { cursor, count, more: candidates > items.length })
}

const LIMIT_TIME = {
  name: 'list_limit_time',
  text: `SELECT set_config('statement_timeout', $1::text, true)`,
}

/**
 * Keeps the planner from going along the ids of all tenants, in the belief that the next of this one is near: of a tenant that
 * has been idle it goes through the whole table. As it is, a page costs what its count does: the tenant's rows.
 */
const FENCE = 'OFFSET 0'

/** One for each set of filters: each is planned for the index that serves it. Ids are ordered by time. */
function toStatement(
  {
    table,
    variant,
    columns,
    large,
    furtherBytes = '0',
    existing,
  }: Omit<Listed<never, unknown, unknown>, 'filters' | 'toItem'>,
  asked: readonly Condition[],
  { cursor, scope }: { cursor: PageCursor | null; scope: Scope },
): Statement {
  const conditions = asked.map(([, toSql], index) => toSql(`$${2 + index}`))
  const afterFilter = 2 + asked.length
  const where = [
    isReached(scope, 'r', afterFilter + (cursor === null ? 0 : 1)),
    existing,
    ...conditions,
  ].join(' AND ')
  const order = cursor?.direction === 'after' ? 'ASC' : 'DESC'
  const beyond = cursor === null ? '' : `AND r.id ${order === 'ASC' ? '>' : '<'} $${afterFilter}::uuid`
  const rows = `SELECT r.id FROM agent_runtime.${table} r WHERE ${where}`
  // What is costly to tell of a row is asked once, for the page and the count.
  const isCostly = asked.some(([, , withinMs]) => withinMs !== undefined)
  const reached = isCostly
    ? `SELECT r.id FROM reached r WHERE true ${beyond}`
    : `${rows} ${beyond} ${scope === 'tenant' ? FENCE : ''}`
  const candidates = `
      SELECT row_number() OVER (ORDER BY id ${order}) AS n, id
      FROM (
        SELECT id FROM (${reached}) AS reached
        ORDER BY id ${order} LIMIT $1
      ) AS first`
  const text = `
    WITH RECURSIVE ${isCostly ? `reached AS MATERIALIZED (${rows}), ` : ''}${boundedRows(
      candidates,
      `SELECT ${rowBytesSql(large)} + ${furtherBytes} FROM agent_runtime.${table} r WHERE r.id = c.id`,
    )}
    SELECT total.count, total.candidates, ${columns}
    FROM (
      SELECT (SELECT count(*)::int FROM (${isCostly ? 'SELECT FROM reached' : rows}) AS counted) AS count,
        (SELECT count(*)::int FROM candidates) AS candidates
    ) AS total
    LEFT JOIN (page JOIN candidates c USING (n) JOIN agent_runtime.${table} r ON r.id = c.id) ON true
    ORDER BY n`
  const name = [
    'list',
    table,
    ...(variant === undefined ? [] : [variant]),
    ...asked.map(([condition]) => condition),
    cursor?.direction ?? 'first',
    ...(scope === 'own' ? [] : [scope]),
  ].join('_')
  // Planned each time, by how much there is.
  return isCostly ? { text } : { name, text }
}

function toPage<T extends { id: string }>(
  rows: T[],
  { cursor, count, more }: { cursor: PageCursor | null; count: number; more: boolean },
): Page<T> {
  const forwards = cursor?.direction === 'after'
  const items = forwards ? rows.toReversed() : rows
  const first = items[0]
  const last = items.at(-1)
  const hasOlder = forwards || more
  const hasNewer = forwards ? more : cursor !== null
  return {
    items,
    nextCursor: hasOlder && last !== undefined ? encodeCursor({ direction: 'before', id: last.id }) : null,
    previousCursor:
      hasNewer && first !== undefined ? encodeCursor({ direction: 'after', id: first.id }) : null,
    count,
  }
}
