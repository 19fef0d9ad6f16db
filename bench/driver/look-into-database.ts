// Reads and writes a target's database directly, not through its processes.
import { query, queryNumber } from './target-database.ts'
import type { Tables } from './target-database.ts'
import { FILLED_AGENT_KEY } from './target.ts'
import type { Target } from './target.ts'

type DatabaseLooks = Pick<
  Target,
  'readLooks' | 'crowd' | 'readStatements' | 'readEventTable' | 'countEvents' | 'fill' | 'pickFilledRuns'
>

export function lookIntoDatabase(databaseUrl: string, tables: Tables): DatabaseLooks {
  return {
    async readLooks() {
      if (tables.crowd === undefined) return undefined
      const [row] = await query(
        databaseUrl,
        // A look that finds another one recent returns no row.
        `SELECT sum(rows) AS count, sum(total_exec_time) AS ms, sum(shared_blks_hit + shared_blks_read) AS buffers
         FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid
         WHERE datname = current_database() AND query LIKE '%"absentWorkerIds"%'`,
      )
      return { count: Number(row?.['count']), ms: Number(row?.['ms']), buffers: Number(row?.['buffers']) }
    },
    async crowd({ queued, waiting }) {
      const { crowd } = tables
      if (crowd !== undefined) await query(databaseUrl, crowd.add, [queued, waiting])
      return {
        async [Symbol.asyncDispose]() {
          if (crowd !== undefined) await query(databaseUrl, crowd.remove)
        },
      }
    },
    async readStatements() {
      const [row] = await query(
        databaseUrl,
        `SELECT sum(calls) AS executed, sum(rows) AS rows
         FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid
         WHERE datname = current_database()`,
      )
      return { executed: Number(row?.['executed']), rows: Number(row?.['rows']) }
    },
    async readEventTable() {
      // A partitioned table has no size of its own.
      const [row] = await query(
        databaseUrl,
        `SELECT sum(pg_total_relation_size(oid)) AS bytes,
           sum(GREATEST(reltuples, 0)) FILTER (WHERE relkind = 'r') AS rows
         FROM pg_class
         WHERE oid = '${tables.event}'::regclass
           OR oid IN (SELECT relid FROM pg_partition_tree('${tables.event}'))`,
      )
      return { bytes: Number(row?.['bytes']), rows: Number(row?.['rows']) }
    },
    countEvents: (runIds) =>
      queryNumber(databaseUrl, `SELECT count(*) FROM ${tables.event} WHERE run_id = ANY ($1::uuid[])`, [
        runIds,
      ]),
    async fill(runs) {
      await query(databaseUrl, tables.fill, [runs])
    },
    async pickFilledRuns(count) {
      const rows = await query(
        databaseUrl,
        `SELECT id FROM ${tables.run} WHERE agent_key = $1 ORDER BY random() LIMIT $2`,
        [FILLED_AGENT_KEY, count],
      )
      return rows.map(({ id }) => String(id))
    },
  }
}
