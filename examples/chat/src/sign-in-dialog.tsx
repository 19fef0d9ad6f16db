import { useState } from 'react'
import { Dialog } from './dialog.tsx'

interface SignInDialogProps {
  onSignIn: (user: string) => void
  onClose: () => void
}

/** Stands for the sign-in of your application: it believes any name. */
export function SignInDialog({ onSignIn, onClose }: SignInDialogProps) {
  const [name, setName] = useState('')
  const user = name.trim()

  return (
    <Dialog title="Sign in" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (user === '') return
          onSignIn(user)
          onClose()
        }}
      >
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
    </Dialog>
  )
}
