import { useRef, useState } from 'react'
import { Composer } from './composer.tsx'
import { focusToType } from './focus-to-type.ts'
import { History } from './history.tsx'
import { LiveRun } from './live-run.tsx'
import { Scroller } from './scroller.tsx'
import { StatusLine } from './status-line.tsx'
import { Topbar } from './topbar.tsx'
import { useChat } from './use-chat.ts'
import { Welcome } from './welcome.tsx'

interface ChatProps {
  conversationId: string | null
  onConversationCreated: (conversationId: string) => void
  isSidebarOpen: boolean
  onOpenSidebar: () => void
}

export function Chat({ conversationId, onConversationCreated, isSidebarOpen, onOpenSidebar }: ChatProps) {
  const [showsDetails, setShowsDetails] = useState(false)
  const chat = useChat({ conversationId, onConversationCreated, includeDebug: showsDetails })
  const { run, history, pending } = chat
  const input = useRef<HTMLTextAreaElement>(null)

  return (
    <main
      className="chat"
      onKeyDown={(event) => {
        if (event.key === 'Escape' && run.isActive) void run.cancel()
      }}
    >
      <Topbar
        title={history.conversation?.title ?? 'New conversation'}
        isSidebarOpen={isSidebarOpen}
        onOpenSidebar={onOpenSidebar}
        showsDetails={showsDetails}
        onToggleDetails={() => setShowsDetails(!showsDetails)}
      />
      <Scroller>
        {chat.isEmpty && <Welcome onAsk={(question) => void chat.send(question)} />}
        <ol className="messages" aria-label="Messages" aria-live="polite" aria-busy={chat.isBusy}>
          <History messages={history.messages} hasMore={history.hasMore} showsDetails={showsDetails} />
          {pending !== null && <li className="message user">{pending}</li>}
          {chat.showsRun && (
            <LiveRun
              run={run}
              isAnswered={chat.isAnswered}
              showsDetails={showsDetails}
              onAnswered={() => focusToType(input.current)}
            />
          )}
        </ol>
        {chat.error !== null && (
          <p className="error" role="alert">
            {chat.error}
          </p>
        )}
      </Scroller>
      <footer className="footer">
        <StatusLine run={run} />
        <Composer
          // Another conversation, another draft; and the cursor is where one writes.
          key={conversationId ?? 'new'}
          inputRef={input}
          isBusy={chat.isBusy}
          canCancel={run.isActive}
          onSend={chat.send}
          onCancel={() => void run.cancel()}
        />
      </footer>
    </main>
  )
}
