import { useState } from 'react'
import type { Conversation } from '../../../client/index.ts'
import { useConversations } from './agents.ts'
import { ConversationItem } from './conversation-item.tsx'
import { DeleteDialog } from './delete-dialog.tsx'
import { useDebounced } from './use-debounced.ts'
import { useNow } from './use-now.ts'

interface ConversationListProps {
  conversationId: string | null
  onSelect: (conversationId: string | null) => void
}

const SEARCH_DELAY_MS = 250

export function ConversationList({ conversationId, onSelect }: ConversationListProps) {
  const [typed, setTyped] = useState('')
  const search = useDebounced(typed, SEARCH_DELAY_MS)
  const [deleting, setDeleting] = useState<Conversation | null>(null)
  const list = useConversations({ agentKey: 'assistant', search, limit: 30 })
  const { conversations, error } = list
  const now = useNow()

  return (
    <nav className="conversation-list" aria-label="Conversations">
      <input
        type="search"
        className="search"
        value={typed}
        maxLength={200}
        aria-label="Search conversations"
        placeholder="Search"
        onChange={(event) => setTyped(event.target.value)}
      />
      {error !== null && (
        <p className="notice" role="alert">
          {error.message}
        </p>
      )}
      <ul className="conversations">
        {conversations.map((conversation) => (
          <ConversationItem
            key={conversation.id}
            conversation={conversation}
            now={now}
            isCurrent={conversation.id === conversationId}
            onSelect={onSelect}
            onRename={(title) => list.update({ conversationId: conversation.id, title })}
            onDelete={() => setDeleting(conversation)}
          />
        ))}
      </ul>
      {!list.isLoading && error === null && conversations.length === 0 && (
        <p className="notice" role="status">
          {search.trim() === '' ? 'Conversations appear here.' : 'Nothing found.'}
        </p>
      )}
      {list.hasMore && (
        <button
          type="button"
          className="text-button"
          aria-disabled={list.isLoadingMore}
          onClick={() => void list.loadMore()}
        >
          Older
        </button>
      )}
      {deleting !== null && (
        <DeleteDialog
          title={deleting.title ?? 'Untitled'}
          onDelete={async () => {
            await list.remove(deleting.id)
            if (deleting.id === conversationId) onSelect(null)
          }}
          onClose={() => setDeleting(null)}
        />
      )}
    </nav>
  )
}
