// Memories of agents. A run writes for its present owner, under the lock of its row. The claim of a session moves runs
// before memories, so it waits for such a write and moves its memory too.
import type pg from 'pg'
import { toStorableJson } from '../../contract/storable-json.ts'
import type { MemoryShare, MemorySummary, StoredMemory } from '../../contract/memory.ts'
import type { Json } from '../../contract/json.ts'
import type { Reach } from '../../ports/owner.ts'
import type { ListMemoriesOfRun, MemoryPlace } from '../../ports/store/memory-store.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import type { Statement } from '../connections/transaction.ts'
import {
  forEachScope,
  haveOneOwner,
  isOwned,
  isReached,
  isSharedWith,
  ownerValues,
  reachValues,
  sharedValues,
} from '../owned-by.ts'
import { MEMORY_COLUMNS, toMemory } from '../rows/memory-row.ts'
import { toOwner } from '../rows/owner-columns.ts'
import type { MemoryRow } from '../rows/memory-row.ts'
import type { OwnerColumns } from '../rows/owner-columns.ts'
import { SEARCH_MS, toPattern, wordsOccurInMemory } from './search-text.ts'

const GET = forEachScope(
  'memory_get',
  (scope) => `
    SELECT ${MEMORY_COLUMNS} FROM agent_runtime.memory r
    WHERE r.id = $1 AND ${isReached(scope, 'r', 2)}`,
)

export async function getMemory(pool: pg.Pool, reach: Reach, id: string): Promise<StoredMemory | null> {
  const [row] = await execute<MemoryRow>(pool, GET[reach.scope], [id, ...reachValues(reach)])
  return row === undefined ? null : toMemory(row)
}

const DELETE = {
  name: 'memory_delete',
  text: `DELETE FROM agent_runtime.memory r WHERE r.id = $1 AND ${isOwned('r', 2)} RETURNING r.id`,
}

export async function deleteMemory(pool: pg.Pool, { id, owner, tenantId }: MemorySummary): Promise<boolean> {
  const values = owner === null ? sharedValues(tenantId) : ownerValues(owner)
  return (await execute(pool, DELETE, [id, ...values])).length > 0
}

const IS_OF: Record<MemoryShare, string> = {
  principal: haveOneOwner('r', 'o'),
  tenant: isSharedWith('r', 'o'),
}

const forEachShare = (name: string, toText: (isOf: string) => string): Record<MemoryShare, Statement> => ({
  principal: { name: `${name}_of_principal`, text: toText(IS_OF.principal) },
  tenant: { name: `${name}_of_tenant`, text: toText(IS_OF.tenant) },
})

const READ_OF_RUN = forEachShare(
  'memory_read',
  (isOf) => `
    SELECT ${MEMORY_COLUMNS} FROM agent_runtime.run o JOIN agent_runtime.memory r ON ${isOf}
    WHERE o.id = $1 AND r.namespace = $2 AND r.key = $3`,
)

export async function readMemoryOfRun(
  pool: pg.Pool,
  runId: string,
  { share, namespace, key }: MemoryPlace,
): Promise<StoredMemory | null> {
  const [row] = await execute<MemoryRow>(pool, READ_OF_RUN[share], [runId, namespace, key])
  return row === undefined ? null : toMemory(row)
}

const LIST_OF_RUN = forEachShare(
  'memory_list',
  (isOf) => `
    SELECT ${MEMORY_COLUMNS} FROM agent_runtime.run o JOIN agent_runtime.memory r ON ${isOf}
    WHERE o.id = $1 AND r.namespace = $2 AND ($3::uuid IS NULL OR r.id < $3::uuid) AND ${wordsOccurInMemory('$4')}
    ORDER BY r.id DESC
    LIMIT $5`,
)

const LIMIT_TIME = {
  name: 'memory_limit_time',
  text: `SELECT set_config('statement_timeout', '${SEARCH_MS}', true)`,
}

export async function listMemoriesOfRun(
  pool: pg.Pool,
  runId: string,
  { share, namespace, search, before, limit }: ListMemoriesOfRun,
): Promise<StoredMemory[]> {
  const values = [runId, namespace, before, search.map(toPattern), limit]
  if (search.length === 0) return (await execute<MemoryRow>(pool, LIST_OF_RUN[share], values)).map(toMemory)
  return inTransaction(pool, async (client) => {
    const [, rows] = await Promise.all([
      execute(client, LIMIT_TIME, []),
      execute<MemoryRow>(client, LIST_OF_RUN[share], values),
    ])
    return rows.map(toMemory)
  })
}

const HOLD = {
  name: 'memory_hold_run',
  text: `
    SELECT r.tenant_id AS "tenantId", r.owner_id AS "ownerId", r.owner_kind AS "ownerKind" FROM agent_runtime.run r
    WHERE r.id = $1 AND r.attempt = $2 AND r.status = 'running'
    FOR NO KEY UPDATE`,
}

// Makes writes of one owner count one at a time, or two would find the same room.
const LOCK_OWNER = {
  name: 'memory_lock_owner',
  text: `SELECT pg_advisory_xact_lock(hashtextextended(jsonb_build_array('memory', $1::text, $2::text, $3::text)::text, 0))`,
}

const WRITE = {
  name: 'memory_write',
  text: `
    INSERT INTO agent_runtime.memory AS m (tenant_id, owner_id, owner_kind, namespace, key, id, value)
    SELECT $1, $2, $3, $4, $5, $6::uuid, $7::jsonb
    WHERE EXISTS (SELECT FROM agent_runtime.memory o WHERE ${isOwned('o', 1)} AND o.namespace = $4 AND o.key = $5)
      OR (SELECT count(*) FROM agent_runtime.memory o WHERE ${isOwned('o', 1)}) < $8
    ON CONFLICT (tenant_id, owner_id, owner_kind, namespace, key) DO UPDATE SET
      value = EXCLUDED.value, updated_at = now()
    RETURNING m.id`,
}

const FORGET = {
  name: 'memory_forget',
  text: `
    DELETE FROM agent_runtime.memory r WHERE ${isOwned('r', 1)} AND r.namespace = $4 AND r.key = $5
    RETURNING r.id`,
}

interface Held {
  id: string
  attempt: number
}

export async function writeMemory(
  pool: pg.Pool,
  { run, max }: { run: Held; max: number },
  { share, namespace, key, id, value }: MemoryPlace & { id: string; value: Json },
): Promise<'written' | 'full' | 'fenced'> {
  return holding(pool, { run, share }, async (client, owner) => {
    const [, written] = await Promise.all([
      execute(client, LOCK_OWNER, owner),
      execute(client, WRITE, [...owner, namespace, key, id, toStorableJson(value), max]),
    ])
    return written.length > 0 ? 'written' : 'full'
  })
}

export async function forgetMemory(
  pool: pg.Pool,
  run: Held,
  { share, namespace, key }: MemoryPlace,
): Promise<'written' | 'absent' | 'fenced'> {
  return holding(pool, { run, share }, async (client, owner) => {
    const gone = await execute(client, FORGET, [...owner, namespace, key])
    return gone.length > 0 ? 'written' : 'absent'
  })
}

/** Calls `work` while the run's row is locked for this attempt. @param work gets the owner values of the memory */
function holding<T>(
  pool: pg.Pool,
  { run, share }: { run: Held; share: MemoryShare },
  work: (client: pg.PoolClient, owner: string[]) => Promise<T>,
): Promise<T | 'fenced'> {
  return inTransaction(pool, async (client) => {
    const [held] = await execute<OwnerColumns>(client, HOLD, [run.id, run.attempt])
    if (held === undefined) return 'fenced'
    return work(client, share === 'tenant' ? sharedValues(held.tenantId) : ownerValues(toOwner(held)))
  })
}
