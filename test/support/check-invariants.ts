/** The invariants of a database while nobody writes to it. Each statement finds violations of one rule. */
export const RULES = {
  'sequence numbers are gapless from 1 to last_seq, but where compaction went': `
    SELECT r.id, r.last_seq, array_agg(e.seq ORDER BY e.seq) AS seqs
    FROM agent_runtime.run r LEFT JOIN agent_runtime.event e ON e.run_id = r.id
    GROUP BY r.id
    HAVING (count(e.seq) <> r.last_seq AND NOT ${isCompacted('r')}) OR count(e.seq) > r.last_seq
      OR coalesce(min(e.seq), 1) <> 1 OR coalesce(max(e.seq), 0) <> r.last_seq`,
  'only compaction folds': `
    SELECT e.run_id, e.seq, e.payload
    FROM agent_runtime.event e JOIN agent_runtime.run r ON r.id = e.run_id
    WHERE e.type IN ('assistant.delta', 'reasoning.delta') AND e.payload ? 'offset' AND NOT ${isCompacted('r')}`,
  'of a message that was compacted at most its beginning and its whole are left': `
    SELECT e.run_id, e.attempt, e.type, e.payload ->> 'messageId', array_agg(e.seq ORDER BY e.seq)
    FROM agent_runtime.event e JOIN agent_runtime.run r ON r.id = e.run_id
    WHERE e.type IN ('assistant.delta', 'reasoning.delta') AND ${isCompacted('r')}
    GROUP BY 1, 2, 3, 4
    HAVING count(*) > 2 AND count(DISTINCT e.visibility) = 1`,
  'a run has one terminal event if it is over and none otherwise': `
    SELECT r.id, r.status, array_agg(e.type) AS ends
    FROM agent_runtime.run r LEFT JOIN agent_runtime.event e ON e.run_id = r.id AND ${isEnd('e')}
    GROUP BY r.id
    HAVING count(e.seq) <> CASE WHEN ${isOver('r')} THEN 1 ELSE 0 END`,
  'the terminal event is the last and says what the status says': `
    SELECT r.id, r.status, r.last_seq, e.seq, e.type
    FROM agent_runtime.run r JOIN agent_runtime.event e ON e.run_id = r.id AND ${isEnd('e')}
    WHERE e.seq <> r.last_seq OR e.type <> 'run.' || r.status OR e.attempt <> r.attempt`,
  'attempts never go back, and each begins with run.started': `
    SELECT * FROM (
      SELECT run_id, seq, attempt, type, lag(attempt, 1, 0) OVER (PARTITION BY run_id ORDER BY seq) AS before
      FROM agent_runtime.event
    ) e
    WHERE attempt < before OR (attempt > before) <> (type = 'run.started')`,
  'a run has as many attempts as were started': `
    SELECT r.id, r.attempt, count(e.seq)
    FROM agent_runtime.run r
    LEFT JOIN agent_runtime.event e ON e.run_id = r.id AND e.type = 'run.started'
    GROUP BY r.id
    HAVING count(e.seq) <> r.attempt`,
  'no event is without its run': `
    SELECT e.run_id, e.seq FROM agent_runtime.event e
    WHERE NOT EXISTS (SELECT FROM agent_runtime.run r WHERE r.id = e.run_id)`,
  'times say what the status says': `
    SELECT id, status, started_at, finished_at FROM agent_runtime.run r
    WHERE (finished_at IS NOT NULL) <> (${isOver('r')}) OR (started_at IS NOT NULL) <> (attempt > 0)
      OR finished_at < created_at`,
  'what was cancelled ends in no other way': `
    SELECT id, status FROM agent_runtime.run r
    WHERE cancel_requested_at IS NOT NULL AND ${isOver('r')} AND status <> 'cancelled'`,
  'an error belongs to a run that failed, an answer to one that did not': `
    SELECT id, status, error, output FROM agent_runtime.run
    WHERE (error IS NOT NULL AND jsonb_typeof(error) <> 'null') <> (status IN ('failed', 'timed_out'))
      OR (output IS NOT NULL AND status <> 'succeeded')
    UNION ALL
    SELECT r.id, r.status, NULL, m.body
    FROM agent_runtime.run r JOIN agent_runtime.message m ON m.run_id = r.id AND m.origin = 'output'
    WHERE r.status <> 'succeeded'
    UNION ALL
    SELECT r.id, r.status, NULL, m.body
    FROM agent_runtime.run r JOIN agent_runtime.message m ON m.run_id = r.id AND m.origin = 'incomplete'
    WHERE NOT ${isOver('r')} OR r.attempt > 0 AND r.status = 'succeeded'`,
  'a run and its messages are in one conversation': `
    SELECT r.id, r.conversation_id, m.conversation_id
    FROM agent_runtime.run r JOIN agent_runtime.message m ON m.run_id = r.id
    WHERE r.conversation_id IS DISTINCT FROM m.conversation_id`,
  // A running run has a lease. More than one delivery is harmless, since the claim decides. With a queue
  // elsewhere, due runs are there; the rest is here.
  'what is to be taken up has a delivery in the queue': `
    SELECT r.id, r.status, array_agg(j.state) AS deliveries
    FROM agent_runtime.run r
    LEFT JOIN agent_runtime_queue.job j ON j.data ->> 'runId' = r.id::text
      AND j.name IN (r.agent_key, 'isolated/' || r.agent_key)
    GROUP BY r.id
    HAVING (r.status = 'queued' AND r.turn IS NULL AND (r.gate IS NULL OR r.gate = 'passed') OR r.status = 'waiting' AND r.run_at IS NOT NULL)
      AND count(j.id) FILTER (WHERE j.state IN ('created', 'retry', 'active')) = 0
      AND NOT EXISTS (SELECT FROM agent_runtime.outbox o WHERE o.run_id = r.id)
      AND NOT (COALESCE(r.run_at, r.created_at) <= now()
        AND EXISTS (SELECT FROM agent_runtime.queue_epoch e WHERE e.queue = r.agent_key))`,
  'a run that waits has something to wait for': `
    SELECT r.id FROM agent_runtime.run r
    WHERE r.status = 'waiting' AND NOT EXISTS (
      SELECT FROM agent_runtime.wait w WHERE w.run_id = r.id AND w.status = 'pending')`,
  'a turn is waited for only where another run is under way': `
    SELECT r.id, r.status FROM agent_runtime.run r
    WHERE r.turn IS NOT NULL AND (r.status <> 'queued' OR NOT EXISTS (
      SELECT FROM agent_runtime.run o
      WHERE o.conversation_id = r.conversation_id AND o.turn IS NULL AND NOT (${isOver('o')})))`,
  'a run is parked only where others of its principal or tenant are under way': `
    SELECT r.id, r.gate FROM agent_runtime.run r
    WHERE r.status = 'queued' AND r.gate IN ('principal', 'tenant') AND NOT EXISTS (
      SELECT FROM agent_runtime.run o
      WHERE o.tenant_id = r.tenant_id AND o.gate = 'passed' AND o.status IN ('queued', 'running')
        AND (r.gate = 'tenant' OR o.owner_id = r.owner_id AND o.owner_kind = r.owner_kind))`,
  // Only agents' queues have deliveries: the names of the others have a slash.
  'no delivery is without its run': `
    SELECT j.id, j.data FROM agent_runtime_queue.job j
    WHERE strpos(j.name, '/') = 0 AND j.state <> 'completed'
      AND NOT EXISTS (SELECT FROM agent_runtime.run r WHERE r.id::text = j.data ->> 'runId')`,
} as const satisfies Record<string, string>

/** Further invariants once every run has had its time. */
export const QUIET_RULES = {
  'every run is over': `SELECT id, status, attempt FROM agent_runtime.run r WHERE NOT (${isOver('r')})`,
  'nobody holds a lease': `
    SELECT id, status, lease_owner, lease_expires_at FROM agent_runtime.run
    WHERE lease_owner IS NOT NULL OR lease_expires_at IS NOT NULL`,
  'no delivery is left': `
    SELECT id, name, state, data FROM agent_runtime_queue.job WHERE state IN ('created', 'retry', 'active')`,
  'no delivery was given up': `
    SELECT id, name, state, data, output FROM agent_runtime_queue.job WHERE state IN ('failed', 'cancelled')`,
  'an attempt that another follows says so last': `
    SELECT * FROM (
      SELECT run_id, seq, attempt, type, lag(type) OVER (PARTITION BY run_id ORDER BY seq) AS before
      FROM agent_runtime.event
    ) e
    WHERE type = 'run.started' AND attempt > 1 AND before NOT IN ('run.retrying', 'run.waiting', 'run.resumed', 'child.waiting')`,
} as const satisfies Record<string, string>

function isCompacted(run: string): string {
  return `(${run}.finished_at IS NOT NULL AND (${run}.finished_at, ${run}.id) <=
    (SELECT at, id FROM agent_runtime.sweep WHERE name = 'compaction'))`
}

function isOver(run: string): string {
  return `${run}.status IN ('succeeded', 'failed', 'cancelled', 'timed_out')`
}

function isEnd(event: string): string {
  return `${event}.type IN ('run.succeeded', 'run.failed', 'run.cancelled', 'run.timed_out')`
}

interface Database {
  query(text: string): Promise<{ rows: object[] }>
}

/** @returns the violations, by rule; empty if there are none */
export function brokenInvariants(database: Database): Promise<Record<string, object[]>> {
  return broken(database, RULES)
}

/** Like {@link brokenInvariants}, when no work may be left. */
export function brokenWhenQuiet(database: Database): Promise<Record<string, object[]>> {
  return broken(database, { ...RULES, ...QUIET_RULES })
}

async function broken(database: Database, rules: Record<string, string>): Promise<Record<string, object[]>> {
  const found: Record<string, object[]> = {}
  for (const [rule, findsWhatBreaksIt] of Object.entries(rules)) {
    const { rows } = await database.query(findsWhatBreaksIt)
    if (rows.length > 0) found[rule] = rows
  }
  return found
}
