import { toAgentError } from '../../client/to-agent-error.ts'

/** Asked again: what may go better another time. A refusal stays one. A server that renders a page does not make it wait. */
export function isWorthRetrying(failures: number, error: unknown): boolean {
  const { status, code } = toAgentError(error)
  return typeof window !== 'undefined' && failures < 3 && (status >= 500 || code === 'rate_limited')
}
