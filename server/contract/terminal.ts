// What is final, without zod: browsers follow runs with this and need no validator for it.
import type { RunStatus } from './run.ts'

/** The statuses a run never leaves. */
export const TERMINAL_STATUSES = ['succeeded', 'failed', 'cancelled', 'timed_out'] as const
export type TerminalStatus = (typeof TERMINAL_STATUSES)[number]

export function isTerminal(status: RunStatus): status is TerminalStatus {
  return (TERMINAL_STATUSES as readonly string[]).includes(status)
}

/** The types that end a stream: each is the last event of its run. */
export const TERMINAL_EVENTS = ['run.succeeded', 'run.failed', 'run.cancelled', 'run.timed_out'] as const
export type TerminalEventType = (typeof TERMINAL_EVENTS)[number]

export function isTerminalEvent(type: string): type is TerminalEventType {
  return (TERMINAL_EVENTS as readonly string[]).includes(type)
}
