import { Markdown } from './markdown.tsx'
import { PendingWaits } from './pending-waits.tsx'
import { ToolStep } from './tool-step.tsx'
import type { AssistantRun } from './use-chat.ts'

interface LiveRunProps {
  run: AssistantRun
  showsDetails: boolean
  /** The run has what it waited for, and its card is gone. */
  onAnswered: () => void
}

/** The answer as it arrives, what it waits for, and what is left of it when it breaks off. */
export function LiveRun({ run, showsDetails, onAnswered }: LiveRunProps) {
  const { messages, isActive, waits } = run
  return (
    <>
      {showsDetails && <ToolSteps run={run} />}
      {messages.map(({ id, content, complete }) => (
        <li key={id} className="message assistant" data-streaming={isActive && !complete}>
          <Markdown text={content} />
        </li>
      ))}
      {isActive && messages.length === 0 && waits.length === 0 && (
        <li className="message assistant thinking" aria-hidden="true">
          <span />
          <span />
          <span />
        </li>
      )}
      <PendingWaits run={run} onAnswered={onAnswered} />
    </>
  )
}

function ToolSteps({ run }: { run: AssistantRun }) {
  return run.events.map((event) => {
    if (event.type === 'tool.call') {
      return (
        <ToolStep key={event.seq} title={`Called ${event.payload.tool}`} detail={event.payload.arguments} />
      )
    }
    if (event.type === 'tool.result') {
      const { tool, result, isError = false } = event.payload
      return <ToolStep key={event.seq} title={`Result of ${tool}`} detail={result} isError={isError} />
    }
    return null
  })
}
