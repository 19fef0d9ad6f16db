import { useId, useLayoutEffect, useRef, useState } from 'react'

interface SignInDialogProps {
  onSignIn: (user: string) => void
  onClose: () => void
}

/** Stands for the sign-in of your application: whoever says a name is believed. */
export function SignInDialog({ onSignIn, onClose }: SignInDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  const [name, setName] = useState('')
  const user = name.trim()

  useLayoutEffect(() => {
    const shown = dialog.current
    if (shown?.open === false) shown.showModal()
    return () => shown?.close()
  }, [])

  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby={titleId}
      onKeyDown={(event) => event.stopPropagation()}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (user === '') return
          onSignIn(user)
          onClose()
        }}
      >
        <p id={titleId} className="dialog-title">
          Sign in
        </p>
        <p>This example believes any name. What you asked as a visitor stays with you.</p>
        <input
          className="sign-in-name"
          value={name}
          maxLength={60}
          required
          aria-label="Your name"
          autoComplete="username"
          onChange={(event) => setName(event.target.value)}
        />
        <div className="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit">Sign in</button>
        </div>
      </form>
    </dialog>
  )
}
