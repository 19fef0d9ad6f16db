import { useCallback, useRef, useState } from 'react'
import type { AgentClient } from '../client/agent-client.ts'

/** How far a component's newest call is. `nothing` is shown before the first call, and for another client. */
export function useProgress<TProgress extends object>(client: AgentClient, nothing: TProgress) {
  const [last, setLast] = useState({ client, progress: nothing })
  const newest = useRef(0)
  /** Begins a call. The function it returns shows changes until another call begins. */
  const begin = useCallback(() => {
    newest.current += 1
    const mine = newest.current
    return (change: Partial<TProgress>) => {
      if (mine !== newest.current) return
      setLast((before) => {
        const known = before.client === client ? before.progress : nothing
        return { client, progress: { ...known, ...change } }
      })
    }
  }, [client, nothing])
  return { progress: last.client === client ? last.progress : nothing, begin }
}
