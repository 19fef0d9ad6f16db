import type pg from 'pg'
import { comesIntoConversation } from '../../ports/create-run.ts'
import type { CreatedRun, NewRun } from '../../ports/create-run.ts'
import { haveOneOwner, ownerColumns } from '../owned-by.ts'
import { RUN_COLUMNS, toRun } from '../rows/run-row.ts'
import type { RunRow } from '../rows/run-row.ts'
import { execute } from '../connections/transaction.ts'
import { createKeyOf } from './steer.ts'

const FIND_EXISTING = {
  name: 'find_existing_run',
  text: `
    WITH w AS (
      SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
        AS w (id, tenant_id, owner_id, owner_kind, idempotency_key, fingerprint, create_key)
    )
    SELECT w.id AS "askedId", r.fingerprint <> w.fingerprint AS "isOther", NULL::jsonb AS "messageIds", ${RUN_COLUMNS}
    FROM w JOIN agent_runtime.run r ON ${haveOneOwner('r', 'w')}
      AND (r.id = w.id OR r.idempotency_key = w.idempotency_key)
    UNION ALL
    SELECT w.id, said.fingerprint <> w.fingerprint, said.ids, ${RUN_COLUMNS}
    FROM w JOIN LATERAL (
      SELECT s.run_id, min(s.fingerprint) AS fingerprint, jsonb_agg(s.id ORDER BY s.position) AS ids
      FROM agent_runtime.sent_message s WHERE s.create_key = w.create_key
      GROUP BY s.run_id
    ) AS said ON true
    JOIN agent_runtime.run r ON r.id = said.run_id AND ${haveOneOwner('r', 'w')}`,
}

/**
 * Finds runs that were created before, so that they do not interrupt others again. The conversation is locked, so
 * creates of other servers in it have ended.
 */
export function findExistingInConversations(client: pg.PoolClient, runs: readonly NewRun[]) {
  return findExisting(
    client,
    runs.filter((run) => comesIntoConversation(run) && run.idempotencyKey !== null),
  )
}

/** The results of runs that were created before, found by id or idempotency key. */
export async function findExisting(
  client: pg.PoolClient,
  runs: readonly NewRun[],
): Promise<Map<string, CreatedRun>> {
  if (runs.length === 0) return new Map()
  const rows = await execute<ExistingRow>(client, FIND_EXISTING, [
    runs.map((run) => run.id),
    ...ownerColumns(runs.map((run) => run.principal)),
    runs.map((run) => run.idempotencyKey),
    runs.map((run) => run.fingerprint),
    runs.map(createKeyOf),
  ])
  return new Map(rows.map((row) => [row.askedId, toExisting(row)]))
}

interface ExistingRow extends RunRow {
  askedId: string
  isOther: boolean | null
  /** Ids of the messages that were sent to this run, in place of creating one. */
  messageIds: string[] | null
}

function toExisting(row: ExistingRow): CreatedRun {
  const { isOther, messageIds } = row
  if (isOther === true) return { kind: 'key-taken', runId: row.id }
  const run = toRun(row)
  return messageIds === null ? { kind: 'existing', run } : { kind: 'steered', run, messageIds, isNew: false }
}
