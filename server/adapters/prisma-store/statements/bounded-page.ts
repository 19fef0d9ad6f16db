/** What one reader gets at once, in bytes; one event at least, however large. */
export const MAX_PAGE_BYTES = 4 * 1024 * 1024

/**
 * SQL for the events that `rows`, a query of some in order, begins with, up to `maxBytes` (an expression) of
 * payload. Sizes are had without unpacking what is stored out of line: of a compressed payload, the most it can be.
 */
export function boundedPage(rows: string, maxBytes: string): string {
  return `
    SELECT * FROM (
      SELECT *, sum(size) OVER (ORDER BY seq) - size AS bytes_before
      FROM (
        SELECT *, pg_column_size(payload)
          * CASE WHEN pg_column_compression(payload) IS NULL THEN 1 ELSE 100 END::bigint AS size
        FROM (${rows}) AS candidates
      ) AS sized
    ) AS page
    WHERE bytes_before < ${maxBytes}`
}
