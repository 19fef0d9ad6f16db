/** SQL for a time as JSON on the wire has it: ISO 8601 in UTC, to the millisecond. */
export const isoTime = (column: string): string =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
