// Deletes on request, including runs that are not over. A run's row is locked before its events are deleted. An attempt
// writes under that lock, so afterwards it finds no row and is fenced.
import type pg from 'pg'
import { isTerminal } from '../../contract/terminal.ts'
import type { Owner } from '../../ports/owner.ts'
import type { DeletedBatch, DeletedRun, DeletionStore, Doomed } from '../../ports/store/deletion-store.ts'
import { isOwned, ownerValues } from '../owned-by.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import type { Statement } from '../connections/transaction.ts'
import { deleteWithAll } from './delete-runs.ts'
import { detachBranches } from './detach-branches.ts'
import { EXPIRED } from './files.ts'
import { lockRun } from './lock-run.ts'
import { toOwner } from '../rows/owner-columns.ts'
import type { OwnerColumns } from '../rows/owner-columns.ts'
import { MAX_EVENTS, MAX_RUNS, sweepTogether } from './sweep.ts'

const HIDE = {
  name: 'delete_hide_conversation',
  text: `
    UPDATE agent_runtime.conversation c SET deleted_at = now()
    WHERE c.id = $1 AND c.deleted_at IS NULL AND ${isOwned('c', 2)}
    RETURNING c.id`,
}

export async function hideConversation(pool: pg.Pool, owner: Owner, id: string): Promise<boolean> {
  return (await execute(pool, HIDE, [id, ...ownerValues(owner)])).length > 0
}

type Kind = 'conversation' | 'hidden' | 'owner' | 'tenant'

const ORDER = 'r.tenant_id, r.owner_id, r.owner_kind, r.id DESC'

// Each follows the order of an index, so that a batch reads no more than it deletes.
const RUNS: Record<Kind, { where: string; order: string }> = {
  conversation: { where: 'r.conversation_id = $1', order: 'r.id DESC' },
  hidden: {
    where: `r.conversation_id = (
          SELECT c.id FROM agent_runtime.conversation c
          WHERE c.deleted_at IS NOT NULL
            AND EXISTS (SELECT FROM agent_runtime.run r WHERE r.conversation_id = c.id)
          ORDER BY c.id
          LIMIT 1)`,
    order: 'r.id DESC',
  },
  owner: { where: isOwned('r', 1), order: ORDER },
  tenant: { where: 'r.tenant_id = $1', order: ORDER },
}

const CONVERSATIONS: Record<Kind, string> = {
  conversation: 'r.id = $1',
  hidden: 'r.deleted_at IS NOT NULL',
  owner: isOwned('r', 1),
  tenant: 'r.tenant_id = $1',
}

// Waits for rows that another transaction is deleting, and then does not find them.
const lockRuns = (kind: Kind): Statement => ({
  name: `delete_lock_runs_of_${kind}`,
  text: `
    SELECT r.id, r.status, r.tenant_id AS "tenantId", r.owner_id AS "ownerId", r.owner_kind AS "ownerKind"
    FROM agent_runtime.run r
    WHERE r.id = ANY (ARRAY (
      SELECT id FROM (
        SELECT id, sum(last_seq) OVER (ROWS UNBOUNDED PRECEDING) - last_seq AS events_before
        FROM (
          SELECT r.id, r.last_seq FROM agent_runtime.run r
          WHERE ${RUNS[kind].where}
          ORDER BY ${RUNS[kind].order}
          LIMIT ${MAX_RUNS}
        ) newest
      ) batch
      WHERE events_before < ${MAX_EVENTS}))
    ORDER BY r.id
    FOR UPDATE`,
})

// A separate statement before the delete: the delete then sees a run that was created while this waited.
const lockConversations = (kind: Kind): Statement => ({
  name: `delete_lock_conversations_of_${kind}`,
  text: `
    SELECT r.id FROM agent_runtime.conversation r
    WHERE ${CONVERSATIONS[kind]} AND NOT EXISTS (SELECT FROM agent_runtime.run o WHERE o.conversation_id = r.id)
    ORDER BY r.id
    LIMIT ${MAX_RUNS}
    FOR UPDATE`,
})

const DELETE_CONVERSATIONS = {
  name: 'delete_conversations',
  text: `
    DELETE FROM agent_runtime.conversation c
    WHERE id = ANY ($1::uuid[]) AND NOT EXISTS (SELECT FROM agent_runtime.run r WHERE r.conversation_id = c.id)
    RETURNING id`,
}

// Expires files that no message names, and files being uploaded. The others were deleted with their runs.
const expireFiles = (kind: 'owner' | 'tenant'): Statement => ({
  name: `delete_expire_files_of_${kind}`,
  text: `
    WITH doomed AS (
      SELECT f.id FROM agent_runtime.file f
      WHERE ${kind === 'owner' ? isOwned('f', 1) : 'f.tenant_id = $1'} AND (f.expires_at IS NULL OR f.expires_at > now())
      ORDER BY f.id
      LIMIT ${MAX_RUNS}
      FOR NO KEY UPDATE
    )
    UPDATE agent_runtime.file f SET expires_at = ${EXPIRED} FROM doomed WHERE f.id = doomed.id
    RETURNING f.id`,
})

const deleteSchedules = (kind: 'owner' | 'tenant'): Statement => ({
  name: `delete_schedules_of_${kind}`,
  text: `
    DELETE FROM agent_runtime.schedule s WHERE ${kind === 'owner' ? isOwned('s', 1) : 's.tenant_id = $1'}
    RETURNING s.id`,
})

// For a tenant, this includes the memories that the tenant shares.
const deleteMemories = (kind: 'owner' | 'tenant'): Statement => ({
  name: `delete_memories_of_${kind}`,
  text: `
    DELETE FROM agent_runtime.memory m WHERE m.id IN (
      SELECT r.id FROM agent_runtime.memory r
      WHERE ${kind === 'owner' ? isOwned('r', 1) : 'r.tenant_id = $1'}
      ORDER BY r.id
      LIMIT ${MAX_RUNS}
      FOR UPDATE)
    RETURNING m.id`,
})

/** The data of an owner or a tenant outside of conversations. */
const furtherOf = (kind: 'owner' | 'tenant') => ({
  files: expireFiles(kind),
  schedules: deleteSchedules(kind),
  memories: deleteMemories(kind),
})

const STATEMENTS: Record<
  Kind,
  [runs: Statement, conversations: Statement, further?: ReturnType<typeof furtherOf>]
> = {
  conversation: [lockRuns('conversation'), lockConversations('conversation')],
  hidden: [lockRuns('hidden'), lockConversations('hidden')],
  owner: [lockRuns('owner'), lockConversations('owner'), furtherOf('owner')],
  tenant: [lockRuns('tenant'), lockConversations('tenant'), furtherOf('tenant')],
}

export async function deleteBatch(pool: pg.Pool, doomed: Doomed): Promise<DeletedBatch> {
  const [[runsOf, conversationsOf, further], values] = statementsFor(doomed)
  const nothing = { runs: [], conversations: 0, files: 0, schedules: 0, memories: 0, isDone: false }
  return sweepTogether(pool, async (client) => {
    // Delete schedules first, so that they create no more runs.
    const schedules = further === undefined ? [] : await execute(client, further.schedules, values)
    if (schedules.length > 0) return { ...nothing, schedules: schedules.length }
    const locked = await execute<OwnerColumns & Omit<DeletedRun, 'owner'>>(client, runsOf, values)
    if (locked.length > 0) {
      const ids = locked.map(({ id }) => id)
      const files = await deleteWithAll(client, ids)
      const runs = locked.map(({ id, status, ...owner }) => ({ id, status, owner: toOwner(owner) }))
      return { ...nothing, runs, files }
    }
    const empty = await execute<{ id: string }>(client, conversationsOf, values)
    if (empty.length > 0) {
      const gone = await execute(client, DELETE_CONVERSATIONS, [empty.map(({ id }) => id)])
      return { ...nothing, conversations: gone.length }
    }
    // Delete memories after the runs, which write them.
    const memories = further === undefined ? [] : await execute(client, further.memories, values)
    if (memories.length > 0) return { ...nothing, memories: memories.length }
    const expired = further === undefined ? [] : await execute(client, further.files, values)
    return { ...nothing, files: expired.length, isDone: expired.length === 0 }
  })
}

function statementsFor(doomed: Doomed): [(typeof STATEMENTS)[Kind], string[]] {
  if ('conversationId' in doomed) return [STATEMENTS.conversation, [doomed.conversationId]]
  if ('hidden' in doomed) return [STATEMENTS.hidden, []]
  if ('owner' in doomed) return [STATEMENTS.owner, ownerValues(doomed.owner)]
  return [STATEMENTS.tenant, [doomed.tenant]]
}

export async function deleteRun(
  pool: pg.Pool,
  owner: Owner,
  runId: string,
): ReturnType<DeletionStore['deleteRun']> {
  return inTransaction(pool, async (client) => {
    const row = await lockRun(client, owner, runId)
    if (row === undefined) return 'not-found'
    if (!isTerminal(row.status)) return 'under-way'
    await detachBranches(client, [runId])
    await deleteWithAll(client, [runId])
    return 'deleted'
  })
}
