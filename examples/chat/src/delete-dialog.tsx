import { useState } from 'react'
import { Dialog } from './dialog.tsx'

interface DeleteDialogProps {
  title: string
  onDelete: () => Promise<void>
  onClose: () => void
}

export function DeleteDialog({ title, onDelete, onClose }: DeleteDialogProps) {
  const [failure, setFailure] = useState<string | null>(null)

  async function remove() {
    try {
      await onDelete()
      onClose()
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error))
    }
  }

  return (
    <Dialog title={`Delete “${title}”?`} onClose={onClose}>
      <p>Its messages are deleted with it.</p>
      {failure !== null && (
        <p className="error" role="alert">
          {failure}
        </p>
      )}
      <div className="buttons">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" className="danger-button" onClick={() => void remove()}>
          Delete
        </button>
      </div>
    </Dialog>
  )
}
