// Names of waits that are the runtime's own.

export const APPROVAL_PREFIX = 'approve:'
/** Of a tool's call that a page runs. */
export const TOOL_PREFIX = 'tool:'
/** Of what a tool asks in the middle of a call. */
export const QUESTION_PREFIX = 'ask:'
/** For the end of a run that was started. */
export const CHILD_PREFIX = 'agent:'
export const SLEEP = 'sleep'

/** Whether an agent can't give a wait this name. */
export function isReservedWait(name: string): boolean {
  return (
    name === SLEEP ||
    [APPROVAL_PREFIX, TOOL_PREFIX, QUESTION_PREFIX, CHILD_PREFIX].some((prefix) => name.startsWith(prefix))
  )
}
