import type { KeyboardEvent } from 'react'
import { useEffect, useRef, useState } from 'react'

interface EditFormProps {
  text: string
  /** Resolves with whether the message was sent. */
  onSend: (text: string) => Promise<boolean>
  onSent: () => void
  onLeave: () => void
}

/** Enter sends, Shift+Enter begins a new line, Escape leaves. */
export function EditForm({ text: before, onSend, onSent, onLeave }: EditFormProps) {
  const [text, setText] = useState(before)
  const [isSending, setIsSending] = useState(false)
  const input = useRef<HTMLTextAreaElement>(null)

  useEffect(() => {
    input.current?.focus()
    input.current?.setSelectionRange(-1, -1)
  }, [])

  async function send() {
    if (isSending || text.trim() === '') return
    setIsSending(true)
    const taken = await onSend(text.trim())
    setIsSending(false)
    if (taken) onSent()
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Escape') {
      // Escape must not also stop the answer.
      event.stopPropagation()
      onLeave()
    } else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault()
      void send()
    }
  }

  return (
    <form
      className="edit-form"
      onKeyDown={onKeyDown}
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
    >
      <textarea
        ref={input}
        value={text}
        aria-label="Edit message"
        onChange={(event) => setText(event.target.value)}
      />
      <div className="buttons">
        <button type="button" onClick={onLeave}>
          Cancel
        </button>
        <button type="submit" className="primary-button" aria-disabled={isSending || text.trim() === ''}>
          Send
        </button>
      </div>
    </form>
  )
}
