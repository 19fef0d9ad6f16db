import { useCallback, useEffect, useRef, useState } from 'react'
import { toAgentError } from '../client/to-agent-error.ts'
import type { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { Claimed } from '../server/contract/session.ts'
import type { Queries } from './use-queries.ts'

export interface AgentSessionOptions {
  /** Whether the page's visitor has signed in. What the visitor had becomes the user's then. */
  isSignedIn: boolean
}

export interface AgentSession {
  /** What was a visitor's and is the user's now. Null before, and where there was nothing. */
  readonly claimed: Claimed | null
  readonly isClaiming: boolean
  readonly error: AgentRuntimeError | null
  /** Tries again what failed. Never rejects: see `error`. */
  claim(): Promise<void>
}

export type UseAgentSession = (options: AgentSessionOptions) => AgentSession

const NOTHING: Omit<AgentSession, 'claim'> = { claimed: null, isClaiming: false, error: null }

/** The visitor of a client with `anonymous`, whose session the client makes and keeps, and what becomes of it after signing in. */
export function createUseAgentSession(useQueries: () => Queries): UseAgentSession {
  return function useAgentSession({ isSignedIn }) {
    const { client, refresh } = useQueries()
    const [state, setState] = useState({ client, ...NOTHING })

    const newest = useRef(0)

    /** What comes of an earlier claim, or of one before the user has left, is shown no more. */
    const begin = useCallback(() => {
      newest.current += 1
      const mine = newest.current
      return (progress: Partial<typeof NOTHING>) => {
        if (mine === newest.current) setState({ client, ...NOTHING, ...progress })
      }
    }, [client])

    const claim = useCallback(async () => {
      const show = begin()
      show({ isClaiming: true })
      const { hasVisitor } = client.sessions
      try {
        const claimed = await client.sessions.claim()
        // Also where it was done before: nobody was told, where that answer got lost.
        if (hasVisitor) await refresh()
        show({ claimed })
      } catch (error) {
        show({ error: toAgentError(error) })
      }
    }, [client, refresh, begin])

    useEffect(() => {
      if (!isSignedIn) return
      void claim()
      return () => begin()({})
    }, [isSignedIn, claim, begin])

    const { claimed, isClaiming, error } = state.client === client ? state : NOTHING
    return { claimed, isClaiming, error, claim }
  }
}
