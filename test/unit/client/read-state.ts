import type { RunState } from '../../../client/run-state.ts'

/** Everything that can be read of a state, as plain data. */
export function readState(state: RunState) {
  const { status, attempt, text, messages, toolInputs, waits, usage, children, output, error, lastSeq } =
    state
  return {
    status,
    attempt,
    text,
    messages,
    toolInputs,
    waits,
    usage,
    children,
    output,
    error,
    lastSeq,
    events: state.events.toArray(),
  } satisfies Record<keyof RunState, unknown>
}
