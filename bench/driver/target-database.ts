import pg from 'pg'

/** Where a target stores its data, for workloads that look into its database. */
export interface Tables {
  run: string
  event: string
  /** Adds `$1` finished runs. */
  fill: string
  /**
   * If the target has conversations: adds `$1` queued runs and `$2` runs that wait for their turn, and
   * removes them.
   */
  crowd?: { add: string; remove: string }
}

/** One statement, or several without parameters. It has a connection of its own. */
export async function query(
  databaseUrl: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'bench' })
  await client.connect()
  try {
    const result = await client.query<Record<string, unknown>>(
      text,
      values.length === 0 ? undefined : [...values],
    )
    return result.rows
  } finally {
    await client.end()
  }
}

/** @returns the only number in the statement's answer */
export async function queryNumber(
  databaseUrl: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<number> {
  const [row] = await query(databaseUrl, text, values)
  return Number(Object.values(row ?? {})[0])
}

export async function createDatabase(serverUrl: string, name: string): Promise<string> {
  await query(serverUrl, `CREATE DATABASE ${name}`)
  const url = serverUrl.replace(/[^/]+$/, name)
  await query(url, 'CREATE EXTENSION pg_stat_statements')
  return url
}
