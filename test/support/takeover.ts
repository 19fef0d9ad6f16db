// The effect of a worker's death on the database, without the wait for it.

type Sql = (text: string, values?: unknown[]) => Promise<unknown>

/** A run's lease has run out. */
export async function expireLease(sql: Sql, runId: string): Promise<void> {
  await sql(`UPDATE agent_runtime.run SET lease_expires_at = now() - interval '1 second' WHERE id = $1`, [
    runId,
  ])
}

/** Another worker, the test, has begun the next attempt. */
export async function claimAsAnother(sql: Sql, runId: string): Promise<void> {
  await sql(
    `WITH r AS (
       UPDATE agent_runtime.run
       SET attempt = attempt + 1, last_seq = last_seq + 1, lease_expires_at = now() + interval '1 hour'
       WHERE id = $1 RETURNING *
     )
     INSERT INTO agent_runtime.event (run_id, seq, attempt, type, visibility, payload, ts)
     SELECT id, last_seq, attempt, 'run.started', 'internal', '{}', now() FROM r`,
    [runId],
  )
}
