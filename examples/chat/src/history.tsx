import { textOf } from '../../../client/index.ts'
import type { LiveMessage } from '../../../client/index.ts'
import { Markdown } from './markdown.tsx'
import { ToolStep } from './tool-step.tsx'

interface HistoryProps {
  messages: readonly LiveMessage[]
  hasMore: boolean
  showsDetails: boolean
}

export function History({ messages, hasMore, showsDetails }: HistoryProps) {
  const toolNames = new Map(
    messages.flatMap((message) =>
      message.role === 'assistant'
        ? (message.toolCalls ?? []).map(({ id, name }) => [id, name] as const)
        : [],
    ),
  )
  return (
    <>
      {hasMore && <li className="notice">Older messages are not shown.</li>}
      {messages.map((message) => (
        <HistoryMessage
          key={message.id}
          message={message}
          toolNames={toolNames}
          showsDetails={showsDetails}
        />
      ))}
    </>
  )
}

interface HistoryMessageProps {
  message: LiveMessage
  toolNames: ReadonlyMap<string, string>
  showsDetails: boolean
}

function HistoryMessage({ message, toolNames, showsDetails }: HistoryMessageProps) {
  switch (message.role) {
    case 'user':
      return <li className="message user">{textOf(message)}</li>
    case 'assistant':
      return (
        <>
          {textOf(message) ? (
            <li className="message assistant" data-streaming={message.pending === 'streaming'}>
              <Markdown text={textOf(message)} />
            </li>
          ) : null}
          {showsDetails &&
            message.toolCalls?.map((call) => (
              <ToolStep key={call.id} title={`Called ${call.name}`} detail={call.arguments} />
            ))}
        </>
      )
    case 'tool':
      return showsDetails ? (
        <ToolStep
          title={`Result of ${toolNames.get(message.toolCallId) ?? 'a tool'}`}
          detail={textOf(message)}
        />
      ) : null
    case 'system':
      return null
  }
}
