type Sql = (text: string) => Promise<{ query: string; calls: string }[]>

/** By what PostgreSQL makes of their text, how often each was executed. */
export type StatementCounts = ReadonlyMap<string, number>

/** What processes send by the clock: how often while something else goes on depends on the machine. */
const BY_THE_CLOCK = /FROM agent_runtime\.sweep|pg_relation_size/
const OF_THE_TEST = /pg_stat_statements/

/** Since the last of it, in the database of the test. */
export async function readStatementCounts(sql: Sql): Promise<StatementCounts> {
  const rows = await sql(
    `SELECT query, sum(calls) AS calls FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid
     WHERE datname = current_database() GROUP BY query`,
  )
  return new Map(rows.map(({ query, calls }) => [query, Number(calls)]))
}

interface CountOptions {
  before: StatementCounts
  after: StatementCounts
  /** Of what happened in between. */
  times: number
  includeTheClock?: boolean
}

/** @returns how many statements each time took, and which. */
export function countStatements({ before, after, times, includeTheClock = false }: CountOptions): {
  total: number
  parts: string[]
} {
  const counts = [...after].flatMap(([query, calls]) => {
    const count = (calls - (before.get(query) ?? 0)) / times
    const isCounted = !OF_THE_TEST.test(query) && (includeTheClock || !BY_THE_CLOCK.test(query))
    return count > 0 && isCounted ? [{ query, count }] : []
  })
  return {
    total: counts.reduce((sum, { count }) => sum + count, 0),
    parts: counts
      .toSorted((one, other) => other.count - one.count)
      .map(({ query, count }) => `${count.toFixed(2)} × ${query.replaceAll(/\s+/g, ' ').slice(0, 100)}`),
  }
}
