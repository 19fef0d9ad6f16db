// Names of waits that are the runtime's own.

export const APPROVAL_PREFIX = 'approve:'
/** Of a tool's call that a page runs. */
export const TOOL_PREFIX = 'tool:'
export const SLEEP = 'sleep'

/** Whether an agent can't give a wait this name. */
export function isReservedWait(name: string): boolean {
  return name === SLEEP || name.startsWith(APPROVAL_PREFIX) || name.startsWith(TOOL_PREFIX)
}
