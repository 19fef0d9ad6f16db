/**
 * The bytes one reader gets at once; one event or row at least, however large. A slow reader holds as many, and a
 * batch of calls may ask for ten times as many.
 */
export const MAX_PAGE_BYTES = 1024 * 1024

/**
 * SQL for the most bytes a column can be, had without unpacking what is stored out of line: pglz makes a value 88 times
 * smaller at most, lz4 255 times.
 */
export const mostOf = (column: string): string =>
  `pg_column_size(${column})
          * CASE pg_column_compression(${column}) WHEN 'pglz' THEN 88 WHEN 'lz4' THEN 255 ELSE 1 END::bigint`

/**
 * SQL for the events that `rows`, a query of some in order, begins with, up to `maxBytes` (an expression) of
 * payload, by the most it can be.
 */
export function boundedPage(rows: string, maxBytes: string): string {
  return `
    SELECT * FROM (
      SELECT *, sum(size) OVER (ORDER BY seq) - size AS bytes_before
      FROM (
        SELECT *, ${mostOf('payload')} AS size
        FROM (${rows}) AS candidates
      ) AS sized
    ) AS page
    WHERE bytes_before < ${maxBytes}`
}
