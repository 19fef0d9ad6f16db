import type { Logger } from '../ports/logger.ts'
import type { LetIn } from './let-in.ts'
import type { ConversationStore } from '../ports/store/conversation-store.ts'

interface GiveTurnPorts {
  store: Pick<ConversationStore, 'giveTurns'>
  letIn: LetIn
  log: Logger
}

/** Gives the next run of a conversation its turn, after one of its runs has ended. Never rejects. */
export async function giveTurn(
  { store, letIn, log }: GiveTurnPorts,
  conversationId: string | null,
): Promise<void> {
  if (conversationId === null) return
  try {
    const given = await store.giveTurns({ conversationIds: [conversationId], ifLocked: 'wait' })
    for (const { parkedFor } of given) if (parkedFor !== null) await letIn(parkedFor)
  } catch (error) {
    // The request itself has succeeded. The next upkeep gives the turn.
    log.warn({ err: error, conversationId }, 'giving a turn failed; it is given a moment later')
  }
}
