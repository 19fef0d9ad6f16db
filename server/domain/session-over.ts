import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'

/** For a visitor who is a user by now, or whose time is up. */
export function sessionOver(): AgentRuntimeError {
  return new AgentRuntimeError('unauthorized', 'There is no such anonymous session, or it is over.')
}
