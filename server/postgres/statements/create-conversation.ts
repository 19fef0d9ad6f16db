import type pg from 'pg'
import type { Conversation } from '../../contract/conversation.ts'
import type { Owner } from '../../ports/owner.ts'
import type { ConversationStore } from '../../ports/store/conversation-store.ts'
import { execute } from '../connections/transaction.ts'
import { ownerValues } from '../owned-by.ts'
import { CONVERSATION_COLUMNS, toConversation } from './rows.ts'
import type { ConversationRow } from './rows.ts'

// A claim that is under way is waited for, and what it left the session's row like is what is looked at then.
const INSERT = {
  name: 'create_visitors_conversation',
  text: `
    WITH s AS MATERIALIZED (
      SELECT claimed_at FROM agent_runtime.anonymous_session
      WHERE tenant_id = $1 AND owner_id = $2
      FOR KEY SHARE
    ), r AS (
      INSERT INTO agent_runtime.conversation (tenant_id, owner_id, owner_kind, id, agent_key, title, metadata)
      SELECT $1::text, $2::text, $3::text, $4::uuid, $5::text, $6::text, $7::jsonb
      WHERE NOT EXISTS (SELECT FROM s WHERE claimed_at IS NOT NULL)
      RETURNING *
    )
    SELECT ${CONVERSATION_COLUMNS} FROM r`,
}

/** @returns null when the visitor's session was claimed. */
export async function createVisitorsConversation(
  pool: pg.Pool,
  visitor: Owner,
  conversation: Parameters<ConversationStore['createConversation']>[1],
): Promise<Conversation | null> {
  const { id, agentKey, title, metadata } = conversation
  const values = [...ownerValues(visitor), id, agentKey, title, JSON.stringify(metadata)]
  const [row] = await execute<ConversationRow>(pool, INSERT, values)
  return row === undefined ? null : toConversation(row)
}
