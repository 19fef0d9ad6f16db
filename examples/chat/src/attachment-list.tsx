import { IconButton } from './icon-button.tsx'
import type { Attachment } from './use-attachments.ts'

interface AttachmentListProps {
  attachments: readonly Attachment[]
  onRemove: (key: string) => void
}

/** The files that go with the next message. */
export function AttachmentList({ attachments, onRemove }: AttachmentListProps) {
  if (attachments.length === 0) return null
  return (
    <ul className="files" aria-label="Attached files">
      {attachments.map(({ key, name, state }) => (
        <li key={key} className="file-chip" data-state={state.kind}>
          <span>{name}</span>
          {state.kind === 'uploading' && <span className="step-state">uploading …</span>}
          {state.kind === 'failed' && (
            <span className="step-state" role="alert">
              {state.reason}
            </span>
          )}
          <IconButton
            className="small-button"
            icon="close"
            label={`Remove ${name}`}
            onClick={() => onRemove(key)}
          />
        </li>
      ))}
    </ul>
  )
}
