import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'

/** Refused messages that are tolerated, since a client whose session just ended may have sent some already. */
export const MAX_REFUSALS = 10

/**
 * Whether the error says that the caller may not connect, and not only that authentication failed to answer.
 */
export function isRefusal(error: unknown): error is AgentRuntimeError {
  return error instanceof AgentRuntimeError && (error.status === 401 || error.status === 403)
}

export function isRateLimit(error: unknown): boolean {
  return error instanceof AgentRuntimeError && error.code === 'rate_limited'
}

export function tooManySubscriptions(maxSubscriptions: number): AgentRuntimeError {
  return new AgentRuntimeError(
    'rate_limited',
    `A socket carries ${maxSubscriptions} subscriptions at most. Open another one.`,
    { details: { maxSubscriptions } },
  )
}
