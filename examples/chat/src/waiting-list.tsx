import { IconButton } from './icon-button.tsx'
import type { Waiting } from './waiting.ts'

interface WaitingListProps {
  waiting: readonly Waiting[]
  onDrop: (runId: string) => void
}

/** The questions that follow when the answer under way is complete. */
export function WaitingList({ waiting, onDrop }: WaitingListProps) {
  if (waiting.length === 0) return null
  return (
    <ol className="waiting" aria-label="Asked next">
      {waiting.map(({ key, text, runId }) => (
        <li key={key}>
          <span className="waiting-text">{text}</span>
          {runId !== null && (
            <IconButton
              className="small-button"
              icon="close"
              label={`Drop “${text}”`}
              onClick={() => onDrop(runId)}
            />
          )}
        </li>
      ))}
    </ol>
  )
}
