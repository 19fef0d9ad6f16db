import { useEffect, useRef } from 'react'
import { toAgentError } from '../client/to-agent-error.ts'
import type { RunError } from '../server/contract/run.ts'

/** What went wrong. */
export interface HookError extends RunError {
  /** The thrown value, for example by a client tool that failed (`tool_failed`). */
  cause?: unknown
}

/**
 * Calls a function of the page a moment later. If it throws, that is an unhandled rejection, which breaks neither a stream
 * nor the screen.
 */
export function callLater<TValue>(call: ((value: TValue) => unknown) | undefined, value: TValue): void {
  if (call !== undefined) void Promise.resolve().then(() => call(value))
}

/** The value of the newest render, for code that runs between renders. */
export function useNewest<TValue>(value: TValue): { readonly current: TValue } {
  const newest = useRef(value)
  useEffect(() => {
    newest.current = value
  })
  return newest
}

/** Tells each error once, after the first render that has it. */
export function useTellErrors<TError>(
  error: TError | null,
  onError: ((error: TError) => unknown) | undefined,
): void {
  const told = useRef<TError | null>(null)
  useEffect(() => {
    if (error !== null && told.current !== error) callLater(onError, error)
    told.current = error
  }, [error, onError])
}

/** A run that has ended by itself need not be stopped. */
export function unlessOver(error: unknown): void {
  if (toAgentError(error).code !== 'conflict') throw error
}
