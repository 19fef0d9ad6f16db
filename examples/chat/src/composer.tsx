import type { FormEvent, KeyboardEvent, RefObject } from 'react'
import { useEffect, useRef, useState } from 'react'
import { AttachmentList } from './attachment-list.tsx'
import { focusToType } from './focus-to-type.ts'
import { IconButton } from './icon-button.tsx'
import { useAttachments } from './use-attachments.ts'
import type { UserContent } from './use-chat.ts'
import { useDroppedFiles } from './use-dropped-files.ts'

interface ComposerProps {
  inputRef: RefObject<HTMLTextAreaElement | null>
  canSend: boolean
  canCancel: boolean
  /** Resolves with whether the message was sent. */
  onSend: (content: UserContent) => Promise<boolean>
  onCancel: () => void
}

/** Enter sends, Shift+Enter begins a new line. */
export function Composer({ inputRef, canSend, canCancel, onSend, onCancel }: ComposerProps) {
  const [text, setText] = useState('')
  const attachments = useAttachments()
  const chooser = useRef<HTMLInputElement>(null)
  const isDragging = useDroppedFiles(attachments.add)
  const isEmpty = text.trim() === '' && attachments.parts.length === 0
  const isReady = canSend && !isEmpty && !attachments.isUploading

  useEffect(() => focusToType(inputRef.current), [inputRef])

  async function send() {
    if (!isReady) return
    const { parts } = attachments
    const said = text.trim()
    setText('')
    const giveBack = attachments.take()
    inputRef.current?.focus()
    const taken = await onSend(
      parts.length === 0 ? said : [...(said === '' ? [] : [{ type: 'text' as const, text: said }]), ...parts],
    )
    if (taken) return
    setText((typed) => (typed === '' ? text : typed))
    giveBack()
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
    <form className="composer" data-dragging={isDragging} onSubmit={onSubmit}>
      <AttachmentList attachments={attachments.list} onRemove={attachments.remove} />
      <textarea
        ref={inputRef}
        rows={1}
        value={text}
        aria-label="Message"
        placeholder={canCancel ? 'Ask the next thing' : 'Ask something'}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
        onPaste={(event) => attachments.add([...event.clipboardData.files])}
      />
      <input
        ref={chooser}
        type="file"
        multiple
        hidden
        aria-label="Files"
        onChange={({ target }) => {
          attachments.add([...(target.files ?? [])])
          // Allows choosing the same file again.
          target.value = ''
        }}
      />
      <IconButton icon="attach" label="Attach files" onClick={() => chooser.current?.click()} />
      {canCancel && <IconButton className="round-button stop" icon="stop" label="Stop" onClick={onCancel} />}
      {!(canCancel && isEmpty) && (
        <IconButton className="round-button" icon="send" label="Send" type="submit" disabled={!isReady} />
      )}
    </form>
  )
}
