import { useId, useLayoutEffect, useRef, useState } from 'react'

interface DeleteDialogProps {
  title: string
  onDelete: () => Promise<void>
  onClose: () => void
}

/** A dialog of the browser's: it keeps the focus, Escape closes it, and whoever opened it has the focus again after. */
export function DeleteDialog({ title, onDelete, onClose }: DeleteDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  const [failure, setFailure] = useState<string | null>(null)

  // Closed while it is still in the page: a browser gives the focus back then.
  useLayoutEffect(() => {
    const shown = dialog.current
    if (shown?.open === false) shown.showModal()
    return () => shown?.close()
  }, [])

  async function remove() {
    try {
      await onDelete()
      onClose()
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error))
    }
  }

  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby={titleId}
      // What is below listens for keys, too.
      onKeyDown={(event) => event.stopPropagation()}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
    >
      <p id={titleId} className="dialog-title">
        Delete “{title}”?
      </p>
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
    </dialog>
  )
}
