import type pg from 'pg'
import type { Conversation, UpdateConversationInput } from '../../contract/conversation.ts'
import type { Owner } from '../../ports/owner.ts'
import { isOwned, ownerValues } from '../owned-by.ts'
import { isDuplicate } from '../connections/to-store-failure.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import type { Executor } from '../connections/transaction.ts'
import { replaceWebhooks } from './caller-webhooks.ts'
import { CONVERSATION_COLUMNS, toConversation } from '../rows/conversation-row.ts'
import type { ConversationRow } from '../rows/conversation-row.ts'

const isGiven = (field: string) => `$2::jsonb ? '${field}'`

// Archiving an archived conversation keeps its first time.
const UPDATE = {
  name: 'update_conversation',
  text: `
    UPDATE agent_runtime.conversation r SET
      agent_key = CASE WHEN ${isGiven('agentKey')} THEN $2::jsonb ->> 'agentKey' ELSE r.agent_key END,
      external_id = CASE WHEN ${isGiven('externalId')} THEN $2::jsonb ->> 'externalId' ELSE r.external_id END,
      title = CASE WHEN ${isGiven('title')} THEN $2::jsonb ->> 'title' ELSE r.title END,
      titled_by = CASE WHEN ${isGiven('title')} THEN 'caller' ELSE r.titled_by END,
      metadata = COALESCE($2::jsonb -> 'metadata', r.metadata),
      archived_at = CASE ($2::jsonb ->> 'archived')::bool
        WHEN true THEN COALESCE(r.archived_at, now())
        WHEN false THEN NULL
        ELSE r.archived_at
      END,
      updated_at = now()
    WHERE r.id = $1 AND r.deleted_at IS NULL AND ${isOwned('r', 3)}
    RETURNING ${CONVERSATION_COLUMNS}`,
}

export async function updateConversation(
  pool: pg.Pool,
  { owner, conversationId }: { owner: Owner; conversationId: string },
  { webhooks, ...changes }: Omit<UpdateConversationInput, 'conversationId'>,
): Promise<Conversation | 'taken' | null> {
  const update = async (executor: Executor) => {
    const [row] = await execute<ConversationRow>(executor, UPDATE, [
      conversationId,
      JSON.stringify(changes),
      ...ownerValues(owner),
    ])
    return row === undefined ? null : toConversation(row)
  }
  try {
    if (webhooks === undefined) return await update(pool)
    return await inTransaction(pool, async (client) => {
      const updated = await update(client)
      if (updated !== null) await replaceWebhooks(client, { owner, conversationId, webhooks })
      return updated
    })
  } catch (error) {
    if (isDuplicate(error)) return 'taken'
    throw error
  }
}
