import { PendingWaits } from './pending-waits.tsx'
import type { AssistantRun } from './use-chat.ts'

interface LiveRunProps {
  run: AssistantRun
  /** The history shows the answer so far. */
  isAnswered: boolean
  /** The run has its answer to the wait, so the card is gone. */
  onAnswered: () => void
}

/**
 * Shows what a run does besides its answer, which the history shows: that it thinks, and what it waits for.
 */
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
