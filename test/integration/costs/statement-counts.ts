type Sql = (text: string) => Promise<{ query: string; calls: string }[]>

/** How often each statement was executed, by its text in PostgreSQL. */
export type StatementCounts = ReadonlyMap<string, number>

/** Statements that processes send regularly. Their number depends on the machine. */
const BY_THE_CLOCK = /FROM agent_runtime\.sweep|pg_relation_size/
const OF_THE_TEST = /pg_stat_statements/

/** The statements since the last call, in the test's database. */
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
  /** The statements in between. */
  times: number
  includeTheClock?: boolean
}

/** @returns how many statements each time took, and which */
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
