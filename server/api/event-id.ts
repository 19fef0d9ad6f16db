import type { AnyConversationEvent } from '../contract/conversation-event.ts'
import type { AnyRunEvent } from '../contract/event.ts'

/** The id from which a reader resumes: the cursor in a conversation, else the `seq` in the run. */
export function eventIdOf(event: AnyRunEvent | AnyConversationEvent): string {
  return 'cursor' in event ? event.cursor : String(event.seq)
}
