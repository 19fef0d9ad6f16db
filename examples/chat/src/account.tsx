import { useState } from 'react'
import { useAgentSession } from './agents.ts'
import { SignInDialog } from './sign-in-dialog.tsx'
import { signIn, signOut, useUser } from './user.ts'

/** Who uses the page. A visitor who signs in keeps their conversations. */
export function Account() {
  const user = useUser()
  const session = useAgentSession({ isSignedIn: user !== null })
  const [isOpen, setIsOpen] = useState(false)

  return (
    <div className="account">
      <span className="account-name">{user ?? 'Visitor'}</span>
      {user === null ? (
        <button type="button" className="text-button" onClick={() => setIsOpen(true)}>
          Sign in
        </button>
      ) : (
        <button type="button" className="text-button" onClick={signOut}>
          Sign out
        </button>
      )}
      {session.error !== null && (
        <p className="notice" role="alert">
          What you asked before could not be brought along: {session.error.message}{' '}
          <button type="button" className="text-button" onClick={() => void session.claim()}>
            Try again
          </button>
        </p>
      )}
      {session.claimed !== null && (
        <p className="notice" role="status">
          {countOf(session.claimed.conversations)} came along with you.
        </p>
      )}
      {isOpen && <SignInDialog onSignIn={signIn} onClose={() => setIsOpen(false)} />}
    </div>
  )
}

function countOf(conversations: number): string {
  return conversations === 1 ? 'One conversation' : `${conversations} conversations`
}
