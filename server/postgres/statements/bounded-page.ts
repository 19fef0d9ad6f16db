/**
 * The most bytes that one reader gets at once; at least one event or row, however large. A slow reader holds this much
 * memory, and a batch of calls may hold ten times as much.
 */
export const MAX_PAGE_BYTES = 1024 * 1024

/**
 * SQL for the most bytes that a column can have, without unpacking values stored out of line. pglz compresses at most
 * 88 times, lz4 at most 255 times.
 */
export const mostOf = (column: string): string =>
  `pg_column_size(${column})
          * CASE pg_column_compression(${column}) WHEN 'pglz' THEN 88 WHEN 'lz4' THEN 255 ELSE 1 END::bigint`

/**
 * SQL for the first events of `rows` (a query with an order), up to `maxBytes` (an expression) of payload, counted at
 * its largest possible size.
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
