import { useState } from 'react'
import { Chat } from './chat.tsx'
import { Sidebar } from './sidebar.tsx'
import { useSelectedConversation } from './use-selected-conversation.ts'

export function App() {
  const [conversationId, selectConversation] = useSelectedConversation()
  const [isSidebarOpen, setIsSidebarOpen] = useState(false)

  return (
    <div className="app" data-sidebar={isSidebarOpen ? 'open' : 'closed'}>
      <Sidebar
        conversationId={conversationId}
        onSelect={(id) => {
          selectConversation(id)
          setIsSidebarOpen(false)
        }}
        onClose={() => setIsSidebarOpen(false)}
      />
      <Chat
        conversationId={conversationId}
        onConversationCreated={selectConversation}
        isSidebarOpen={isSidebarOpen}
        onOpenSidebar={() => setIsSidebarOpen(true)}
      />
    </div>
  )
}
