import type pg from 'pg'
import type { Owner } from '../../ports/owner.ts'
import { execute } from '../connections/transaction.ts'
import { toOwner } from '../rows/owner-columns.ts'
import type { OwnerColumns } from '../rows/owner-columns.ts'

// The first of several processes changes the row; the others find it changed and do nothing.
const ASK = {
  name: 'title_ask',
  text: `
    UPDATE agent_runtime.conversation SET titled_by = 'hook'
    WHERE id = $1 AND deleted_at IS NULL AND (titled_by = 'message' OR (title IS NULL AND titled_by IS NULL))
    RETURNING tenant_id AS "tenantId", owner_id AS "ownerId", owner_kind AS "ownerKind"`,
}

const SET = {
  name: 'title_set',
  text: `
    UPDATE agent_runtime.conversation SET title = $2
    WHERE id = $1 AND deleted_at IS NULL AND titled_by = 'hook'`,
}

export async function askForTitle(pool: pg.Pool, conversationId: string): Promise<Owner | null> {
  const [row] = await execute<OwnerColumns>(pool, ASK, [conversationId])
  return row === undefined ? null : toOwner(row)
}

export async function setTitle(pool: pg.Pool, conversationId: string, title: string): Promise<void> {
  await execute(pool, SET, [conversationId, title])
}
