import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'

/** The error for a visitor whose session was claimed or has expired. */
export function sessionOver(): AgentRuntimeError {
  return new AgentRuntimeError('unauthorized', 'There is no such anonymous session, or it is over.')
}
