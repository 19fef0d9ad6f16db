import { PendingWaits } from './pending-waits.tsx'
import { ToolStep } from './tool-step.tsx'
import type { AssistantRun } from './use-chat.ts'

interface LiveRunProps {
  run: AssistantRun
  /** The history shows what there is of its answer. */
  isAnswered: boolean
  showsDetails: boolean
  /** The run has what it waited for, and its card is gone. */
  onAnswered: () => void
}

/** What goes on beside the answer, which the history shows as it arrives: its tools, and what it waits for. */
export function LiveRun({ run, isAnswered, showsDetails, onAnswered }: LiveRunProps) {
  const { isActive, waits } = run
  return (
    <>
      {showsDetails && <ToolSteps run={run} />}
      {isActive && !isAnswered && waits.length === 0 && (
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
