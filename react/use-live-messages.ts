import { useCallback, useEffect, useMemo } from 'react'
import { withBrokenOff } from '../client/broken-off.ts'
import type { ConversationSnapshot, ConversationStore } from '../client/conversation-store.ts'
import type { Sending } from '../client/live-conversation.ts'
import type { LiveMessage } from '../client/live-messages.ts'
import { withLive } from '../client/live-messages.ts'
import type { ConversationDetail } from '../server/contract/conversation.ts'
import { textOf } from '../server/contract/text-of.ts'
import { useSnapshot } from './use-snapshot.ts'

interface Shown {
  externalId: string | undefined
  conversationId: string | null | undefined
  conversation: ConversationDetail | undefined
  readIn: number
}

interface LiveMessages {
  /** Shows what the component asks before it knows the id of its conversation. Null if the page has given the id. */
  draft: ConversationStore | null
  messagesOf(snapshot: ConversationSnapshot): LiveMessage[]
}

/**
 * The messages of a conversation, or of one that does not exist yet. What was asked in the latter is forgotten when the component is given
 * another conversation or another client.
 */
export function useLiveMessages(
  open: (conversationId: null) => ConversationStore | null,
  { externalId, conversationId, conversation, readIn }: Shown,
): LiveMessages {
  // Each key has a draft of its own, and so has each new conversation.
  const key = externalId ?? (conversationId ? null : '')
  const draft = useMemo(() => (key === null ? null : open(null)), [open, key])
  const { sending: drafted } = useSnapshot(draft, nothing, {
    throttleMs: 0,
    isNews: (before, after) => before.sending !== after.sending,
  })
  useEffect(() => {
    // The store of the conversation has what was taken. Here it would show again once the conversation is deleted.
    if (conversation !== undefined && drafted.length > 0) draft?.take(conversation, Infinity)
  }, [draft, conversation, drafted])
  const messagesOf = useCallback(
    ({ runs, sending }: ConversationSnapshot) => {
      const page = conversation ?? NO_PAGE
      const asked = conversationId ? drafted.filter((one) => isOnItsWay(one, page)) : drafted
      const live = { runs: [...runs.values()], sending: [...sending, ...asked], readIn }
      return withLive(withBrokenOff(page), live)
    },
    [conversation, readIn, conversationId, drafted],
  )
  return { draft, messagesOf }
}

/** The store of the conversation shows what was taken. A history may have a message before the answer to its request has come. */
const isOnItsWay = ({ takenIn, upload, messages }: Sending, page: Pick<ConversationDetail, 'messages'>) =>
  takenIn === 0 &&
  (upload !== undefined ||
    !messages.every((asked) =>
      page.messages.some((stored) => stored.role === asked.role && textOf(stored) === textOf(asked)),
    ))

const NO_PAGE = { messages: [] }

/** What is known where nothing is followed. */
export const IDLE: ConversationSnapshot = {
  runs: new Map(),
  sending: [],
  change: 0,
  error: null,
  isRecovering: false,
}
export const nothing = () => IDLE
