import type { FormEvent, KeyboardEvent, RefObject } from 'react'
import { useEffect, useState } from 'react'
import { focusToType } from './focus-to-type.ts'

interface ComposerProps {
  inputRef: RefObject<HTMLTextAreaElement | null>
  isBusy: boolean
  canCancel: boolean
  /** Resolves with whether the text was taken. */
  onSend: (text: string) => Promise<boolean>
  onCancel: () => void
}

/** Enter sends, Shift+Enter begins a new line. */
export function Composer({ inputRef, isBusy, canCancel, onSend, onCancel }: ComposerProps) {
  const [text, setText] = useState('')
  const isEmpty = text.trim() === ''

  useEffect(() => focusToType(inputRef.current), [inputRef])

  async function send() {
    if (isBusy || isEmpty) return
    setText('')
    inputRef.current?.focus()
    const taken = await onSend(text.trim())
    if (!taken) setText((typed) => (typed === '' ? text : typed))
  }

  function onSubmit(event: FormEvent) {
    event.preventDefault()
    void send()
  }

  function onKeyDown(event: KeyboardEvent) {
    // While an input method composes, Enter chooses a word.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    void send()
  }

  return (
    <form className="composer" onSubmit={onSubmit}>
      <textarea
        ref={inputRef}
        rows={1}
        value={text}
        aria-label="Message"
        placeholder="Ask something"
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {canCancel ? (
        <button type="button" className="round-button" aria-label="Stop" onClick={onCancel}>
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <rect x="4.5" y="4.5" width="7" height="7" rx="1" className="filled" />
          </svg>
        </button>
      ) : (
        <button type="submit" className="round-button" aria-label="Send" disabled={isBusy || isEmpty}>
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M8 13V3.5M3.5 8L8 3.5 12.5 8" />
          </svg>
        </button>
      )}
    </form>
  )
}
