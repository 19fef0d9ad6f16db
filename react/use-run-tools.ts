import { useEffect, useRef } from 'react'
import type { AgentClient } from '../client/agent-client.ts'
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { ToolHandlers } from '../server/contract/wait-types.ts'

/** Runs a run's tools while the component is there, each with the newest of its functions. */
export function useRunTools(
  client: AgentClient,
  runId: string | null,
  tools: ToolHandlers<AgentShape> | undefined,
): void {
  const newest = useRef<object>({})
  useEffect(() => {
    newest.current = tools ?? {}
  })
  const names = Object.keys(tools ?? {}).join(' ')

  useEffect(() => {
    if (runId === null || names === '') return
    const handlers = names
      .split(' ')
      .map((name) => [
        name,
        (...call: unknown[]) =>
          (newest.current as Record<string, (...call: unknown[]) => unknown>)[name]?.(...call),
      ])
    const leaving = new AbortController()
    // The view of the same run shows this failure as its `error`.
    void client.runs.runTools(runId, Object.fromEntries(handlers), { signal: leaving.signal }).catch(() => {})
    return () => leaving.abort()
  }, [client, runId, names])
}
