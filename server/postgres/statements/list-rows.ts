// Pages of the rows that a caller reaches, newest first. They are limited by count and by bytes before a row leaves the
// database.
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
  /** Distinguishes statements that select different columns of one table. */
  variant?: string
  /** The select list of a row, for a table named `r`. */
  columns: string
  /** The columns that may be large. */
  large: readonly string[]
  /** SQL for the bytes that are selected from other tables for the row `r`. */
  furtherBytes?: string
  /** The condition of each filter field on a row named `r`. */
  filters: Record<keyof TFilter, Condition>
  toItem(row: TRow): TItem
  /** SQL condition: the row `r` exists for callers, e.g. is not deleted. */
  existing: string
}

/**
 * A name, which becomes part of the statement's name, and SQL with a parameter for the value. A costly condition has a
 * time limit, after which the statement is cancelled.
 */
type Condition = readonly [name: string, toSql: (parameter: string) => string, withinMs?: number]

interface Query<TFilter> {
  reach: Reach
  /** Fields are undefined when they do not filter. */
  filter: TFilter
  cursor: PageCursor | null
  limit: number
}

interface PageRow {
  id: string | null
  count: number
  candidates: number
}

/** Reads a page and its count at one moment: a row that is inserted between the two would look like another page. */
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
  // Ask for one row more, which shows whether there is another page.
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
 * Keeps the planner from scanning the ids of all tenants to find this tenant's next row. For a tenant without recent
 * rows that would read the whole table. With the fence, a page costs as much as its count: the tenant's rows.
 */
const FENCE = 'OFFSET 0'

/** Makes one statement for each set of filters, so that each is planned for its own index. Ids are ordered by time. */
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
  // Evaluate a costly condition once, for both the page and the count.
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
  // A costly statement has no name, so that it is planned each time for the present number of rows.
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
