import { useEffect, useRef } from 'react'
import type { RunError } from '../server/contract/run.ts'

/** What went wrong. */
export interface HookError extends RunError {
  /** What was thrown, by a client tool that failed (`tool_failed`) say. */
  cause?: unknown
}

/**
 * Calls a function of the page by itself: what it throws is an unhandled rejection, and breaks neither a stream nor what is on
 * screen.
 */
export function callLater<TValue>(call: ((value: TValue) => unknown) | undefined, value: TValue): void {
  if (call !== undefined) void Promise.resolve().then(() => call(value))
}

/** The newest of what a component renders with, for what happens between its renders. */
export function useNewest<TValue>(value: TValue): { readonly current: TValue } {
  const newest = useRef(value)
  useEffect(() => {
    newest.current = value
  })
  return newest
}

/** Tells each error once, from the render on in which it is there. */
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
