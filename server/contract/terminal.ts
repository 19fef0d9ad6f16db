// The statuses of a run, without zod: browsers follow runs with this and need no validator for it.

/** The statuses of a run that is not over. */
export const OPEN_STATUSES = ['queued', 'running', 'waiting'] as const
export type OpenStatus = (typeof OPEN_STATUSES)[number]

/** The statuses a run never leaves. */
export const TERMINAL_STATUSES = ['succeeded', 'failed', 'cancelled', 'timed_out'] as const
export type TerminalStatus = (typeof TERMINAL_STATUSES)[number]

/** Whether a run, or a view of a run, with this status is over. */
export function isTerminal(status: string): status is TerminalStatus {
  return (TERMINAL_STATUSES as readonly string[]).includes(status)
}

/** The types that end a stream: each is the last event of its run. */
export type TerminalEventType = `run.${TerminalStatus}`

export function isTerminalEvent(type: string): type is TerminalEventType {
  return TERMINAL_EVENTS.has(type)
}

const TERMINAL_EVENTS: ReadonlySet<string> = new Set(TERMINAL_STATUSES.map((status) => `run.${status}`))
