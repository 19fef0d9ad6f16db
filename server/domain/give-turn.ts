import type { Logger } from '../ports/logger.ts'
import type { ConversationStore } from '../ports/store/conversation-store.ts'

interface GiveTurnPorts {
  store: Pick<ConversationStore, 'giveTurns'>
  log: Logger
}

/** Lets the next run of a conversation start, after one of its runs has ended. Never rejects. */
export async function giveTurn({ store, log }: GiveTurnPorts, conversationId: string | null): Promise<void> {
  if (conversationId === null) return
  try {
    await store.giveTurns({ conversationIds: [conversationId], ifLocked: 'wait' })
  } catch (error) {
    // The request itself is done. The next upkeep gives the turn.
    log.warn({ err: error, conversationId }, 'giving a turn failed; it is given a moment later')
  }
}
