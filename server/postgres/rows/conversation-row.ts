import type { Conversation } from '../../contract/conversation.ts'
import type { JsonObject } from '../../contract/json.ts'
import { OWNER_COLUMN_OF, toOwner } from './owner-columns.ts'
import type { OwnerColumns } from './owner-columns.ts'
import { selectList } from './select-list.ts'

export interface ConversationRow extends OwnerColumns {
  id: string
  agentKey: string | null
  externalId: string | null
  title: string | null
  metadata: unknown
  createdAt: Date
  updatedAt: Date
  archivedAt: Date | null
}

const CONVERSATION_COLUMN_OF = {
  id: 'id',
  ...OWNER_COLUMN_OF,
  agentKey: 'agent_key',
  externalId: 'external_id',
  title: 'title',
  metadata: 'metadata',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  archivedAt: 'archived_at',
} satisfies Record<keyof ConversationRow, string>

/** The select list that makes a {@link ConversationRow}, for a table named `r`. */
export const CONVERSATION_COLUMNS = selectList(CONVERSATION_COLUMN_OF)

export function toConversation(row: ConversationRow): Conversation {
  return {
    id: row.id,
    owner: toOwner(row),
    agentKey: row.agentKey,
    externalId: row.externalId,
    title: row.title,
    metadata: row.metadata as JsonObject,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    archivedAt: row.archivedAt?.toISOString() ?? null,
  }
}
