import { useState } from 'react'
import { Chat } from './chat.tsx'
import { Sidebar } from './sidebar.tsx'
import { useIsNarrow } from './use-is-narrow.ts'
import { useSelectedConversation } from './use-selected-conversation.ts'

export function App() {
  const [conversationId, selectConversation] = useSelectedConversation()
  const [isSidebarOpen, setIsSidebarOpen] = useState(false)
  const isNarrow = useIsNarrow()
  const isCovered = isNarrow && isSidebarOpen

  return (
    <div className="app">
      <Sidebar
        conversationId={conversationId}
        drawer={isNarrow ? (isSidebarOpen ? 'open' : 'closed') : 'none'}
        onSelect={(id) => {
          selectConversation(id)
          setIsSidebarOpen(false)
        }}
        onClose={() => setIsSidebarOpen(false)}
      />
      <Chat
        conversationId={conversationId}
        onConversationCreated={selectConversation}
        isCovered={isCovered}
        onOpenSidebar={() => setIsSidebarOpen(true)}
      />
    </div>
  )
}
