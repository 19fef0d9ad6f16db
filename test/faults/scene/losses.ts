import type pg from 'pg'
import type { ScenePostgres } from './postgres.ts'

/** The runs of a worker when it was killed or stopped. */
export interface Loss {
  how: 'killed' | 'stopped'
  /** In milliseconds since the epoch. */
  at: number
  pid: number
  held: { id: string; attempt: number }[]
  /** When a stopped one was continued. */
  resumedAt?: number
}

/**
 * Reads the runs of a worker from what its agents wrote down. Soon after a stop or kill these are still its
 * runs, since nobody takes them over at once.
 */
export async function heldBy(pids: readonly number[], { sql }: ScenePostgres): Promise<Loss['held']> {
  return sql<{ id: string; attempt: number }>(
    `SELECT id, attempt FROM agent_runtime.run
     WHERE status = 'running' AND lease_owner IN (SELECT owner FROM faults.trace WHERE pid = ANY ($1))`,
    [pids],
  )
}

export interface Recovery {
  how: Loss['how']
  agentKey: string
  /** The time from the loss to the next attempt. Null if there was none. */
  ms: number | null
  /** The delay of the next attempt, for a run that was lost before. */
  delayMs: number
}

/** What became of the lost runs. */
export async function recoveriesOf(losses: readonly Loss[], { sql }: ScenePostgres): Promise<Recovery[]> {
  const rows = losses.flatMap(({ how, at, held }) => held.map((run) => ({ ...run, how, at })))
  return sql<Recovery & pg.QueryResultRow>(
    `SELECT l.how, r.agent_key AS "agentKey",
       (extract(epoch FROM next.ts) * 1000 - l.at)::float8 AS ms,
       coalesce((retry.payload ->> 'delayMs')::int, 0) AS "delayMs"
     FROM unnest($1::uuid[], $2::int[], $3::text[], $4::float8[]) AS l (id, attempt, how, at)
     JOIN agent_runtime.run r ON r.id = l.id
     LEFT JOIN agent_runtime.event next
       ON next.run_id = l.id AND next.type = 'run.started' AND next.attempt = l.attempt + 1
     LEFT JOIN agent_runtime.event retry
       ON retry.run_id = l.id AND retry.type = 'run.retrying' AND retry.attempt = l.attempt`,
    [
      rows.map(({ id }) => id),
      rows.map(({ attempt }) => attempt),
      rows.map(({ how }) => how),
      rows.map(({ at }) => at),
    ],
  )
}
