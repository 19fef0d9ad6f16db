import { ChildRunError } from '../agent/child-run.ts'
import { NonRetriableError } from '../agent/non-retriable-error.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { backoffMs } from '../lifecycle/backoff.ts'
import type { RetryPolicy } from '../lifecycle/backoff.ts'
import { ModelError } from '../ports/model.ts'

const MAX_ASKED_MS = 24 * 3600 * 1000

/**
 * Whether another attempt may succeed. Errors count as retriable unless they say otherwise: a NonRetriableError, an
 * invalid request, a provider's refusal.
 */
export function isRetriable(error: unknown): boolean {
  if (error instanceof NonRetriableError || error instanceof ChildRunError) return false
  if (error instanceof ModelError) return error.retriable
  if (error instanceof AgentRuntimeError) return error.status >= 500 || error.status === 429
  return true
}

/**
 * Milliseconds before the next attempt: what the policy says, or a provider's `Retry-After` if that is longer. At most
 * a day.
 *
 * @param failures attempts that have failed, this one included
 * @param chance a random number from 0 up to, not including, 1
 */
export function retryDelayMs(
  { failures, error, chance }: { failures: number; error: unknown; chance: number },
  policy: RetryPolicy,
): number {
  return Math.max(backoffMs(failures, chance, policy), askedMs(error))
}

/** Bounds what a provider's header may ask for, so that the run's row can hold it. */
function askedMs(error: unknown): number {
  const asked = error instanceof ModelError ? (error.retryAfterMs ?? 0) : 0
  return asked > 0 ? Math.min(Math.ceil(asked), MAX_ASKED_MS) : 0
}
