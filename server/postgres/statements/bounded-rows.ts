import { MAX_PAGE_BYTES } from './bounded-page.ts'

/**
 * The CTEs `candidates` and `page`, for WITH RECURSIVE. `candidates` numbers rows by `n` from 1; `page` has the first
 * ones up to {@link MAX_PAGE_BYTES}, at least one. Sizes are read one by one, so that no more is unpacked than fits.
 *
 * @param size a query for the bytes of the candidate `c`
 */
export function boundedRows(candidates: string, size: string): string {
  return `candidates AS MATERIALIZED (${candidates}),
    page AS (
      SELECT 0::bigint AS n, 0::bigint AS bytes
      UNION ALL
      SELECT c.n, page.bytes + (${size})
      FROM page JOIN candidates c ON c.n = page.n + 1
      WHERE page.bytes < ${MAX_PAGE_BYTES}
    )`
}

/** Roughly what a row costs beside these columns. */
const ROW_BYTES = 500

/** SQL for the approximate bytes of these jsonb columns as text. */
export function rowBytesSql(columns: readonly string[], rowBytes = ROW_BYTES): string {
  const sizes = columns.map(
    (column) => `COALESCE(CASE WHEN pg_column_compression(${column}) IS NULL THEN pg_column_size(${column})
      ELSE octet_length(${column}::text) END, 0)`,
  )
  return [`${rowBytes}`, ...sizes].join(' + ')
}
