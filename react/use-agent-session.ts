import { useCallback, useEffect } from 'react'
import { toAgentError } from '../client/to-agent-error.ts'
import type { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { Claimed } from '../server/contract/session.ts'
import { useProgress } from './use-progress.ts'
import type { Queries } from './use-queries.ts'

export interface AgentSessionOptions {
  /** Whether the page's visitor has signed in. Then the user gets what the visitor had. */
  isSignedIn: boolean
}

export interface AgentSession {
  /** What the user got from the visitor. Null before, and if there was nothing. */
  readonly claimed: Claimed | null
  readonly isClaiming: boolean
  readonly error: AgentRuntimeError | null
  /** Claims once more after a failure. Never rejects: see `error`. */
  claim(): Promise<void>
}

export type UseAgentSession = (options: AgentSessionOptions) => AgentSession

const NOTHING: Omit<AgentSession, 'claim'> = { claimed: null, isClaiming: false, error: null }

/** Claims a visitor's session after the visitor signs in. The client must have `anonymous`, so that it keeps that session. */
export function createUseAgentSession(useQueries: () => Queries): UseAgentSession {
  return function useAgentSession({ isSignedIn }) {
    const { client, refresh } = useQueries()
    const { progress, begin } = useProgress(client, NOTHING)

    const claim = useCallback(async () => {
      const show = begin()
      show({ ...NOTHING, isClaiming: true })
      const { hasVisitor } = client.sessions
      try {
        const claimed = await client.sessions.claim()
        // Also after an earlier claim, because nobody was told if its answer was lost.
        if (hasVisitor) await refresh()
        show({ ...NOTHING, claimed })
      } catch (error) {
        show({ ...NOTHING, error: toAgentError(error) })
      }
    }, [client, refresh, begin])

    useEffect(() => {
      if (!isSignedIn) return
      void claim()
      return () => begin()(NOTHING)
    }, [isSignedIn, claim, begin])

    return { ...progress, claim }
  }
}
