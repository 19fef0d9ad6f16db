import type { KeyboardEvent } from 'react'
import { useEffect, useRef, useState } from 'react'

interface RenameFormProps {
  title: string
  onSave: (title: string) => Promise<unknown>
  onClose: () => void
}

/** Enter saves, Escape leaves. */
export function RenameForm({ title: before, onSave, onClose }: RenameFormProps) {
  const [title, setTitle] = useState(before)
  const [failure, setFailure] = useState<string | null>(null)
  const input = useRef<HTMLInputElement>(null)

  useEffect(() => input.current?.select(), [])

  async function save() {
    const next = title.trim()
    try {
      if (next !== '' && next !== before) await onSave(next)
      onClose()
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error))
    }
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== 'Escape' || event.nativeEvent.isComposing) return
    // Escape must not also close the drawer.
    event.preventDefault()
    onClose()
  }

  return (
    <form
      className="rename-form"
      onKeyDown={onKeyDown}
      onSubmit={(event) => {
        event.preventDefault()
        void save()
      }}
    >
      <input
        ref={input}
        value={title}
        maxLength={500}
        aria-label="Title"
        onChange={(event) => setTitle(event.target.value)}
      />
      {failure !== null && (
        <p className="notice" role="alert">
          {failure}
        </p>
      )}
    </form>
  )
}
