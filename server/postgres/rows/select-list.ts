/** The select list of a table or CTE named `r`: its columns by the names of a row's fields. */
export function selectList(columnOf: Record<string, string>): string {
  return Object.entries(columnOf)
    .map(([field, column]) => `r.${column} AS "${field}"`)
    .join(', ')
}
