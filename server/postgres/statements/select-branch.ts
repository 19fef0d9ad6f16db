import type pg from 'pg'
import type { Conversation } from '../../contract/conversation.ts'
import type { Owner } from '../../ports/owner.ts'
import { isOwned, ownerValues } from '../owned-by.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import { rankOf } from './branch-path.ts'
import { CONVERSATION_COLUMNS, toConversation } from '../rows/conversation-row.ts'
import type { ConversationRow } from '../rows/conversation-row.ts'
import { isMessage, placeIn } from './stored-messages.ts'

// A separate statement, so that the next one sees runs that another transaction created while this waited.
const LOCK = {
  name: 'branch_lock',
  text: `
    SELECT FROM agent_runtime.conversation c
    WHERE c.id = $1 AND c.deleted_at IS NULL AND ${isOwned('c', 2)}
    FOR NO KEY UPDATE`,
}

// The branches with the message: its own, those that begin on that branch after the message, and all that begin on
// these.
const SELECT = {
  name: 'branch_select',
  text: `
    WITH RECURSIVE wanted AS (
      SELECT r.branch, ${rankOf('r')} AS ordinal, m.position
      FROM agent_runtime.message m JOIN agent_runtime.run r ON r.id = m.run_id
      WHERE m.conversation_id = $1 AND ${isMessage('m', 2)}
      ORDER BY ${rankOf('r')} DESC
      LIMIT 1
    ), having_it AS (
      SELECT branch AS number, ordinal, position FROM wanted
      UNION ALL
      SELECT b.number, 0::bigint, 0
      FROM having_it h JOIN agent_runtime.branch b ON b.conversation_id = $1 AND b.from_branch = h.number
        AND (b.before_ordinal, b.before_position) > (h.ordinal, h.position)
    )
    UPDATE agent_runtime.conversation r SET updated_at = now(), branch = (
      SELECT number FROM having_it h LEFT JOIN agent_runtime.run o
        ON o.conversation_id = $1 AND o.branch = h.number
      ORDER BY h.number = r.branch DESC, o.ordinal DESC NULLS LAST
      LIMIT 1)
    WHERE r.id = $1 AND EXISTS (SELECT FROM wanted)
    RETURNING ${CONVERSATION_COLUMNS}`,
}

export async function selectBranch(
  pool: pg.Pool,
  { owner, conversationId }: { owner: Owner; conversationId: string },
  messageId: string,
): Promise<Conversation | null> {
  return inTransaction(pool, async (client) => {
    const locked = await execute(client, LOCK, [conversationId, ...ownerValues(owner)])
    if (locked.length === 0) return null
    const [row] = await execute<ConversationRow>(client, SELECT, [conversationId, ...placeIn(messageId)])
    return row === undefined ? null : toConversation(row)
  })
}
