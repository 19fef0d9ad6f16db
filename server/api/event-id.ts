import type { AnyConversationEvent } from '../contract/conversation-event.ts'
import type { AnyRunEvent } from '../contract/event.ts'

/** What a reader resumes by: the cursor in a conversation, else `seq` in the run. */
export function eventIdOf(event: AnyRunEvent | AnyConversationEvent): string {
  return 'cursor' in event ? event.cursor : String(event.seq)
}
