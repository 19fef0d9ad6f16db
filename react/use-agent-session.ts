import { useCallback, useEffect, useState } from 'react'
import { toAgentError } from '../client/to-agent-error.ts'
import type { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { Claimed } from '../server/contract/session.ts'
import type { Queries } from './queries.ts'

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

    const claim = useCallback(async () => {
      setState({ client, ...NOTHING, isClaiming: true })
      try {
        const claimed = await client.sessions.claim()
        if (claimed !== null) await refresh()
        setState({ client, ...NOTHING, claimed })
      } catch (error) {
        setState({ client, ...NOTHING, error: toAgentError(error) })
      }
    }, [client, refresh])

    useEffect(() => {
      if (isSignedIn) void claim()
    }, [isSignedIn, claim])

    const { claimed, isClaiming, error } = state.client === client ? state : NOTHING
    return { claimed, isClaiming, error, claim }
  }
}
