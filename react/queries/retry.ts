import { toAgentError } from '../../client/to-agent-error.ts'

/** Whether another try may succeed. A refusal stays one. A server does not retry, because its page would have to wait. */
export function isWorthRetrying(failures: number, error: unknown): boolean {
  const { status, code } = toAgentError(error)
  return typeof window !== 'undefined' && failures < 3 && (status >= 500 || code === 'rate_limited')
}
