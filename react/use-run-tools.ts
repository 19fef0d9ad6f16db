import { useEffect } from 'react'
import type { AgentClient } from '../client/agent-client.ts'
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { ToolHandlers } from '../server/contract/wait-types.ts'
import { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { HookError } from './callbacks.ts'
import { useNewest } from './callbacks.ts'

/** Runs a run's client tools while the component is mounted, each with its newest function. */
export function useRunTools(
  client: AgentClient,
  runId: string | null,
  {
    tools,
    onError,
  }: { tools?: ToolHandlers<AgentShape>; onError?: ((error: HookError) => void) | undefined },
): void {
  const newest = useNewest({ tools, onError })
  const names = Object.keys(tools ?? {}).join(' ')

  useEffect(() => {
    if (runId === null || names === '') return
    type Named = Record<string, ((...call: unknown[]) => unknown) | undefined>
    const begun = newest.current.tools as Named
    // A function that is removed while its call is checked still answers, because the page has accepted the call.
    const handlers = names
      .split(' ')
      .map((name) => [
        name,
        (...call: unknown[]) =>
          ((newest.current.tools as Named | undefined)?.[name] ?? begun[name])?.(...call),
      ])
    const leaving = new AbortController()
    const options = {
      signal: leaving.signal,
      onError: (cause: unknown, call: { tool: string; toolCallId: string }) =>
        newest.current.onError?.(toHookError(cause, call)),
    }
    // The view of the same run shows in `error` why the run can't be followed.
    void client.runs.runTools(runId, Object.fromEntries(handlers), options).catch(() => {})
    return () => leaving.abort()
  }, [client, runId, names, newest])
}

/** The server says why it refuses an answer. An error of the page's own function has no code. */
function toHookError(cause: unknown, call: { tool: string; toolCallId: string }): HookError {
  const isRefused = cause instanceof AgentRuntimeError
  const { message, code } = isRefused
    ? cause
    : { message: String(Object(cause).message ?? cause), code: 'tool_failed' }
  return { message, code, details: call, cause }
}
