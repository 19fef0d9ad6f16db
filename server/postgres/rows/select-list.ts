/** The select list of a table or CTE named `r`, with columns renamed to the fields of a row. */
export function selectList(columnOf: Record<string, string>): string {
  return Object.entries(columnOf)
    .map(([field, column]) => `r.${column} AS "${field}"`)
    .join(', ')
}
