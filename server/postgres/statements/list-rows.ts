// Pages of what belongs to an owner, newest first, bounded by count and by bytes before a row leaves the database.
import type pg from 'pg'
import type { Page, PageCursor } from '../../contract/page.ts'
import { encodeCursor } from '../../contract/page.ts'
import type { Owner } from '../../ports/owner.ts'
import { isOwned, ownerValues } from '../owned-by.ts'
import { execute } from '../connections/transaction.ts'
import type { Statement } from '../connections/transaction.ts'
import { boundedRows, rowBytesSql } from './bounded-rows.ts'

interface Listed<TRow, TItem> {
  table: 'run' | 'conversation'
  /** The select list of a row, for a table named `r`. */
  columns: string
  /** Of the columns, those that may be large. */
  large: readonly string[]
  toItem(row: TRow): TItem
}

const TYPE_OF = { agent_key: 'text', status: 'agent_runtime.run_status', conversation_id: 'uuid' } as const
type FilterColumn = keyof typeof TYPE_OF

interface Query {
  owner: Owner
  /** What columns have to be; undefined where anything will do. */
  filter: Partial<Record<FilterColumn, string | undefined>>
  cursor: PageCursor | null
  limit: number
}

interface PageRow {
  id: string | null
  count: number
  candidates: number
}

/** A page and its count are of one moment: a row between the two would look like one more page. */
export async function listRows<TRow extends { id: string }, TItem extends { id: string }>(
  pool: pg.Pool,
  listed: Listed<TRow, TItem>,
  query: Query,
): Promise<Page<TItem>> {
  const { owner, cursor, limit } = query
  const columns = (Object.keys(TYPE_OF) as FilterColumn[]).filter(
    (column) => query.filter[column] !== undefined,
  )
  // One more than asked for tells whether there is a page after this one.
  const values = [...ownerValues(owner), limit + 1, ...columns.map((column) => query.filter[column])]
  const rows = await execute<TRow & PageRow>(
    pool,
    toStatement(listed, columns, cursor),
    cursor === null ? values : [...values, cursor.id],
  )
  const items = rows.flatMap((row) => (row.id === null ? [] : [listed.toItem(row)])).slice(0, limit)
  const { count = 0, candidates = 0 } = rows[0] ?? {}
  return toPage(items, { cursor, count, more: candidates > items.length })
}

/** One for each set of filters: each is planned for the index that serves it. Ids are ordered by time. */
function toStatement(
  { table, columns, large }: Pick<Listed<never, unknown>, 'table' | 'columns' | 'large'>,
  filtered: readonly FilterColumn[],
  cursor: PageCursor | null,
): Statement {
  const conditions = filtered.map((column, index) => `r.${column} = $${5 + index}::${TYPE_OF[column]}`)
  const where = [isOwned('r', 1), ...conditions].join(' AND ')
  const order = cursor?.direction === 'after' ? 'ASC' : 'DESC'
  const beyond =
    cursor === null ? '' : `AND r.id ${order === 'ASC' ? '>' : '<'} $${5 + filtered.length}::uuid`
  const candidates = `
      SELECT row_number() OVER (ORDER BY id ${order}) AS n, id
      FROM (
        SELECT r.id FROM agent_runtime.${table} r WHERE ${where} ${beyond} ORDER BY r.id ${order} LIMIT $4
      ) AS first`
  return {
    name: ['list', table, ...filtered, cursor?.direction ?? 'first'].join('_'),
    text: `
    WITH RECURSIVE ${boundedRows(
      candidates,
      `SELECT ${rowBytesSql(large)} FROM agent_runtime.${table} r WHERE r.id = c.id`,
    )}
    SELECT total.count, total.candidates, ${columns}
    FROM (
      SELECT (SELECT count(*)::int FROM agent_runtime.${table} r WHERE ${where}) AS count,
        (SELECT count(*)::int FROM candidates) AS candidates
    ) AS total
    LEFT JOIN (page JOIN candidates c USING (n) JOIN agent_runtime.${table} r ON r.id = c.id) ON true
    ORDER BY n`,
  }
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
