import { PendingWaits } from './pending-waits.tsx'
import type { AssistantRun } from './use-chat.ts'

interface LiveRunProps {
  run: AssistantRun
  /** The history shows what there is of its answer. */
  isAnswered: boolean
  /** The run has what it waited for, and its card is gone. */
  onAnswered: () => void
}

/** What goes on beside the answer, which the history shows as it arrives: that it is thought about, and what it waits for. */
export function LiveRun({ run, isAnswered, onAnswered }: LiveRunProps) {
  return (
    <>
      {run.isActive && !isAnswered && run.waits.length === 0 && (
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
