import type pg from 'pg'
import type { CreatedRun, Enqueue, NewRun } from '../../../ports.ts'
import { RUN_COLUMNS, toRun } from '../rows.ts'
import type { RunRow } from '../rows.ts'
import { execute, inTransaction } from '../transaction.ts'

// A conversation that is not the owner's makes no run, so that the check costs no statement of its own.
// ON CONFLICT without a target covers the idempotency key and also the primary key: a batch whose
// COMMIT went through but whose answer got lost can be sent again. Keys are inserted, and conversations
// locked, in one order everywhere: batches of two servers that share some wait instead of deadlocking.
const INSERT = {
  name: 'create_runs',
  text: `
    WITH r AS (
      INSERT INTO agent_runtime.run (
        id, tenant_id, owner_id, owner_kind, conversation_id, agent_key, params, metadata,
        max_attempts, timeout_ms, idempotency_key)
      SELECT * FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::jsonb[], $8::jsonb[],
        $9::int[], $10::int[], $11::text[])
      AS n (id, tenant_id, owner_id, owner_kind, conversation_id)
      WHERE n.conversation_id IS NULL OR EXISTS (
        SELECT FROM agent_runtime.conversation c
        WHERE c.id = n.conversation_id AND c.tenant_id = n.tenant_id AND c.owner_id = n.owner_id)
      ON CONFLICT DO NOTHING
      RETURNING *
    ), inputs AS (
      INSERT INTO agent_runtime.message (run_id, position, conversation_id, origin, body)
      SELECT m.run_id, m.position, r.conversation_id, 'input', m.body
      FROM unnest($12::uuid[], $13::int[], $14::jsonb[]) AS m (run_id, position, body)
      JOIN r ON r.id = m.run_id
    ), touched AS (
      UPDATE agent_runtime.conversation c SET updated_at = now()
      FROM (
        SELECT id FROM agent_runtime.conversation WHERE id IN (SELECT conversation_id FROM r)
        ORDER BY id
        FOR NO KEY UPDATE
      ) AS locked
      WHERE c.id = locked.id
    )
    SELECT ${RUN_COLUMNS} FROM r`,
}

const FIND_EXISTING = {
  name: 'find_existing_run',
  text: `
    SELECT ${RUN_COLUMNS} FROM agent_runtime.run r
    WHERE r.tenant_id = $1 AND r.owner_id = $2 AND (r.id = $3 OR r.idempotency_key = $4)`,
}

export async function createRuns(
  pool: pg.Pool,
  asked: readonly NewRun[],
  enqueue: Enqueue,
): Promise<CreatedRun[]> {
  const runs = asked.toSorted((a, b) => compare(a.idempotencyKey ?? '', b.idempotencyKey ?? ''))
  return inTransaction(pool, async (client, tx) => {
    const messages = runs.flatMap((run) =>
      run.messages.map((message, position) => ({ runId: run.id, position, message })),
    )
    const rows = await execute<RunRow>(client, INSERT, [
      runs.map((run) => run.id),
      runs.map((run) => run.principal.tenantId),
      runs.map((run) => run.principal.id),
      runs.map((run) => run.principal.kind),
      runs.map((run) => run.conversationId),
      runs.map((run) => run.agentKey),
      runs.map((run) => (run.params === null ? null : JSON.stringify(run.params))),
      runs.map((run) => JSON.stringify(run.metadata)),
      runs.map((run) => run.maxAttempts),
      runs.map((run) => run.timeoutMs),
      runs.map((run) => run.idempotencyKey),
      messages.map((entry) => entry.runId),
      messages.map((entry) => entry.position),
      messages.map((entry) => JSON.stringify(entry.message)),
    ])
    const created = new Map(rows.map((row) => [row.id, toRun(row)]))
    const fresh = runs.filter((run) => created.has(run.id))
    if (fresh.length > 0) await enqueue(fresh, tx)

    const answers: CreatedRun[] = []
    for (const run of asked) {
      const row = created.get(run.id)
      answers.push(row === undefined ? await findExisting(client, run) : { kind: 'created', run: row })
    }
    return answers
  })
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

async function findExisting(client: pg.PoolClient, run: NewRun): Promise<CreatedRun> {
  const { tenantId, id: ownerId } = run.principal
  const [row] = await execute<RunRow>(client, FIND_EXISTING, [tenantId, ownerId, run.id, run.idempotencyKey])
  return row === undefined ? { kind: 'no-conversation' } : { kind: 'existing', run: toRun(row) }
}
