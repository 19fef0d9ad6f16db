import { useConversations } from './agents.ts'

interface SidebarProps {
  conversationId: string | null
  onSelect: (conversationId: string | null) => void
  onClose: () => void
}

export function Sidebar({ conversationId, onSelect, onClose }: SidebarProps) {
  const { conversations, hasMore, isLoading, isLoadingMore, error, loadMore } = useConversations({
    agentKey: 'assistant',
  })

  return (
    <>
      <nav className="sidebar" id="sidebar" aria-label="Conversations">
        <header className="sidebar-header">
          <span className="brand">trpc-agent-runtime</span>
          <button
            type="button"
            className="icon-button only-narrow"
            aria-label="Close the list"
            onClick={onClose}
          >
            <svg viewBox="0 0 16 16" aria-hidden="true">
              <path d="M4 4l8 8M12 4l-8 8" />
            </svg>
          </button>
        </header>
        <button type="button" className="new-button" onClick={() => onSelect(null)}>
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M8 3v10M3 8h10" />
          </svg>
          New conversation
        </button>
        {error !== null && (
          <p className="notice" role="alert">
            {error.message}
          </p>
        )}
        <ul className="conversations">
          {conversations.map(({ id, title, createdAt }) => (
            <li key={id}>
              <a
                href={`#/c/${id}`}
                aria-current={id === conversationId ? 'page' : undefined}
                title={new Date(createdAt).toLocaleString()}
                onClick={() => onSelect(id)}
              >
                {title ?? 'Untitled'}
              </a>
            </li>
          ))}
        </ul>
        {!isLoading && error === null && conversations.length === 0 && (
          <p className="notice">Conversations appear here.</p>
        )}
        {hasMore && (
          <button
            type="button"
            className="text-button"
            disabled={isLoadingMore}
            onClick={() => void loadMore()}
          >
            Older
          </button>
        )}
      </nav>
      <div className="backdrop" onClick={onClose} />
    </>
  )
}
