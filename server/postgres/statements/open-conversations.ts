// Finds or creates conversations by the caller's key. If two servers do this at once, one creates the conversation, and
// the other waits and then finds it.
import { StoreFailure } from '../../ports/store/store-failure.ts'
import type { Owner } from '../../ports/owner.ts'
import { haveOneOwner, ownerColumns, ownerValues } from '../owned-by.ts'
import { execute } from '../connections/transaction.ts'
import type { Executor } from '../connections/transaction.ts'
import { CONVERSATION_COLUMNS } from '../rows/conversation-row.ts'
import { toOwner } from '../rows/owner-columns.ts'
import type { ConversationRow } from '../rows/conversation-row.ts'

/** A conversation to create if there is none with its key. */
export interface KeyedConversation {
  owner: Owner
  id: string
  externalId: string
  agentKey: string | null
  title: string | null
  metadata: string
}

// Keys are inserted in one order everywhere, and before any conversation is locked. So servers that create the same
// ones wait for each other instead of deadlocking.
const OPEN = {
  name: 'open_conversations',
  text: `
    WITH w AS (
      SELECT DISTINCT ON (tenant_id, owner_id, owner_kind, external_id) *
      FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::jsonb[])
        WITH ORDINALITY AS w (tenant_id, owner_id, owner_kind, id, external_id, agent_key, title, metadata, n)
      ORDER BY tenant_id, owner_id, owner_kind, external_id, n
    ), found AS (
      SELECT c.* FROM w JOIN agent_runtime.conversation c
        ON ${haveOneOwner('c', 'w')} AND c.external_id = w.external_id AND c.deleted_at IS NULL
    ), made AS (
      INSERT INTO agent_runtime.conversation
        (id, tenant_id, owner_id, owner_kind, external_id, agent_key, title, metadata)
      SELECT id, tenant_id, owner_id, owner_kind, external_id, agent_key, title, metadata FROM w
      WHERE NOT EXISTS (SELECT FROM found f WHERE ${haveOneOwner('f', 'w')} AND f.external_id = w.external_id)
      ORDER BY tenant_id, owner_id, owner_kind, external_id
      ON CONFLICT DO NOTHING
      RETURNING *
    )
    SELECT false AS "isNew", ${CONVERSATION_COLUMNS} FROM found r
    UNION ALL
    SELECT true, ${CONVERSATION_COLUMNS} FROM made r`,
}

export type OpenedRow = ConversationRow & { isNew: boolean }

/** How often it tries. If another transaction's insert prevented this one's, the next try sees that conversation. */
const MAX_LOOKS = 5

/**
 * @returns the found and created conversations, in the order of `wanted`
 * @throws StoreFailure `contended` when others create and delete them again and again
 */
export async function openConversations(
  executor: Executor,
  wanted: readonly KeyedConversation[],
): Promise<OpenedRow[]> {
  const opened = new Map<string, OpenedRow>()
  for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
    const missing = wanted.filter((one) => !opened.has(keyOf(one)))
    if (missing.length === 0) return wanted.map((one) => opened.get(keyOf(one)) as OpenedRow)
    const rows = await execute<OpenedRow>(executor, OPEN, [
      ...ownerColumns(missing.map(({ owner }) => owner)),
      missing.map(({ id }) => id),
      missing.map(({ externalId }) => externalId),
      missing.map(({ agentKey }) => agentKey),
      missing.map(({ title }) => title),
      missing.map(({ metadata }) => metadata),
    ])
    for (const row of rows) opened.set(keyOf({ owner: toOwner(row), externalId: row.externalId ?? '' }), row)
  }
  throw new StoreFailure('contended', 'A conversation was created and deleted again and again.')
}

const DROP = {
  name: 'drop_conversations',
  text: `DELETE FROM agent_runtime.conversation WHERE id = ANY ($1::uuid[])`,
}

/** Deletes conversations that this transaction created in vain. */
export async function dropConversations(executor: Executor, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await execute(executor, DROP, [ids])
}

function keyOf({ owner, externalId }: Pick<KeyedConversation, 'owner' | 'externalId'>): string {
  return JSON.stringify([...ownerValues(owner), externalId])
}
