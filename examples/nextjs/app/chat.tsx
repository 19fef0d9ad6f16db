'use client'
import Link from 'next/link'
import { useRouter } from 'next/navigation'
import { textOf } from 'trpc-agent-runtime/client'
import { useAgentRun, useConversation, useConversations } from './agents'

export function Chat({ id }: { id: string | null }) {
  const router = useRouter()
  const { conversations } = useConversations()
  const { messages, activeRunId, send, stop } = useConversation(id)
  const status = useAgentRun(activeRunId, { select: (run) => run.status })

  async function ask(form: FormData) {
    const { run } = await send(String(form.get('text')), { agentKey: 'echo' })
    if (id === null) router.push(`/?id=${run.conversationId}`)
  }

  return (
    <>
      <nav>
        <Link href="/">New</Link>
        {conversations.map((one) => (
          <Link key={one.id} href={`/?id=${one.id}`}>
            {one.title ?? one.createdAt}
          </Link>
        ))}
      </nav>
      <ol>
        {messages.map((message) => (
          <li key={message.id}>{textOf(message)}</li>
        ))}
      </ol>
      <form action={ask}>
        <input name="text" aria-label="Message" required />
        <button>Ask</button>
        {activeRunId !== null && (
          <button type="button" onClick={stop}>
            Stop what is {status}
          </button>
        )}
      </form>
    </>
  )
}
