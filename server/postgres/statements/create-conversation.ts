import type pg from 'pg'
import type { Conversation } from '../../contract/conversation.ts'
import type { Owner } from '../../ports/owner.ts'
import type { NewConversation } from '../../ports/store/conversation-store.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import type { Executor } from '../connections/transaction.ts'
import { ownerValues } from '../owned-by.ts'
import { insertWebhooksOfConversation } from './caller-webhooks.ts'
import { isVisitor, lockSessions } from './lock-sessions.ts'
import { openConversations } from './open-conversations.ts'
import { CONVERSATION_COLUMNS, toConversation } from '../rows/conversation-row.ts'
import type { ConversationRow } from '../rows/conversation-row.ts'

interface Created {
  conversation: Conversation
  created: boolean
}

const INSERT = {
  name: 'create_conversation',
  text: `
    INSERT INTO agent_runtime.conversation AS r (tenant_id, owner_id, owner_kind, id, agent_key, title, metadata)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    RETURNING ${CONVERSATION_COLUMNS}`,
}

/** @returns null when the owner is a visitor whose session was claimed */
export async function createConversation(
  pool: pg.Pool,
  owner: Owner,
  conversation: NewConversation,
): Promise<Created | null> {
  const { webhooks } = conversation
  if (!isVisitor(owner) && webhooks.length === 0) return create(pool, owner, conversation)
  return inTransaction(pool, async (client) => {
    const isClaimed = await lockSessions(client, [owner])
    const made = isClaimed(owner) ? null : await create(client, owner, conversation)
    if (made?.created === true) {
      await insertWebhooksOfConversation(client, { owner, conversationId: made.conversation.id, webhooks })
    }
    return made
  })
}

async function create(
  executor: Executor,
  owner: Owner,
  conversation: NewConversation,
): Promise<Created | null> {
  const { id, externalId, agentKey, title } = conversation
  const metadata = JSON.stringify(conversation.metadata)
  if (externalId !== null) {
    const [row] = await openConversations(executor, [{ owner, id, externalId, agentKey, title, metadata }])
    return row === undefined ? null : { conversation: toConversation(row), created: row.isNew }
  }
  const values = [...ownerValues(owner), id, agentKey, title, metadata]
  const [row] = await execute<ConversationRow>(executor, INSERT, values)
  return row === undefined ? null : { conversation: toConversation(row), created: true }
}
