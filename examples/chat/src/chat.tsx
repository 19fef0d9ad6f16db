import { Composer } from './composer.tsx'
import { focusToType } from './focus-to-type.ts'
import { History } from './history.tsx'
import { LiveRun } from './live-run.tsx'
import { Scroller } from './scroller.tsx'
import { StatusLine } from './status-line.tsx'
import { Topbar } from './topbar.tsx'
import { useChat } from './use-chat.ts'
import { WaitingList } from './waiting-list.tsx'
import { Welcome } from './welcome.tsx'

interface ChatProps {
  conversationId: string | null
  onConversationCreated: (conversationId: string) => void
  /** The list of conversations covers it. */
  isCovered: boolean
  onOpenSidebar: () => void
}

export function Chat({ conversationId, onConversationCreated, isCovered, onOpenSidebar }: ChatProps) {
  const chat = useChat({ conversationId, onConversationCreated })
  const { run, history, input } = chat

  return (
    <main
      className="chat"
      inert={isCovered}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && run.isActive) void run.cancel()
      }}
    >
      <Topbar
        title={history.conversation?.title ?? 'New conversation'}
        isSidebarOpen={isCovered}
        onOpenSidebar={onOpenSidebar}
      />
      <Scroller>
        {chat.isEmpty && <Welcome onAsk={(question) => void chat.send(question)} />}
        <History chat={chat}>
          <LiveRun run={run} isAnswered={chat.isAnswered} onAnswered={() => focusToType(input.current)} />
        </History>
        {chat.error !== null && (
          <p className="error" role="alert">
            {chat.error}
          </p>
        )}
      </Scroller>
      <footer className="footer">
        <WaitingList waiting={chat.waiting} onDrop={(runId) => void chat.drop(runId)} />
        <StatusLine run={run} isSending={chat.isSending} />
        <Composer
          // Another conversation has another draft, and gets the cursor.
          key={conversationId ?? 'new'}
          inputRef={input}
          canSend={conversationId !== null || !chat.isSending}
          canCancel={run.isActive}
          onSend={chat.send}
          onCancel={() => void run.cancel()}
        />
      </footer>
    </main>
  )
}
