import { Markdown } from './markdown.tsx'
import { ToolStep } from './tool-step.tsx'
import type { AssistantRun } from './use-chat.ts'

/** The answer as it arrives, and what is left of it when it breaks off. */
export function LiveRun({ run, showsDetails }: { run: AssistantRun; showsDetails: boolean }) {
  const { messages, isActive } = run
  return (
    <>
      {showsDetails && <ToolSteps run={run} />}
      {messages.map(({ id, content, complete }) => (
        <li key={id} className="message assistant" data-streaming={isActive && !complete}>
          <Markdown text={content} />
        </li>
      ))}
      {isActive && messages.length === 0 && (
        <li className="message assistant thinking" aria-hidden="true">
          <span />
          <span />
          <span />
        </li>
      )}
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
