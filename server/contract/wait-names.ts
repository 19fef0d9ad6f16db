// Names of waits that are reserved for the runtime.

export const APPROVAL_PREFIX = 'approve:'
/** For a tool call that a page runs. */
export const TOOL_PREFIX = 'tool:'
/** For a question that a tool asks during a call. */
export const QUESTION_PREFIX = 'ask:'
/** For the end of a run that the agent started. */
export const CHILD_PREFIX = 'agent:'
export const SLEEP = 'sleep'

/** Whether an agent must not use this name for a wait. */
export function isReservedWait(name: string): boolean {
  return (
    name === SLEEP ||
    [APPROVAL_PREFIX, TOOL_PREFIX, QUESTION_PREFIX, CHILD_PREFIX].some((prefix) => name.startsWith(prefix))
  )
}
