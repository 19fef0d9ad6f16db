import { NonRetriableError } from '../agent/non-retriable-error.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { backoffMs } from '../lifecycle/backoff.ts'
import type { RetryPolicy } from '../lifecycle/backoff.ts'
import { ModelError } from '../ports/model.ts'

const MAX_ASKED_MS = 24 * 3600 * 1000

/**
 * Whether another attempt may do better. What an agent throws may be anything, so it may; not so what
 * says of itself that it can't: a NonRetriableError, a request that is wrong, a provider's refusal.
 */
export function isRetriable(error: unknown): boolean {
  if (error instanceof NonRetriableError) return false
  if (error instanceof ModelError) return error.retriable
  if (error instanceof AgentRuntimeError) return error.status >= 500 || error.status === 429
  return true
}

/**
 * How long to wait before the next attempt: by the policy, and never sooner than a provider's `Retry-After` asks, up to
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

/** A provider's header may say anything: whatever it is, the run's row has to be able to hold it. */
function askedMs(error: unknown): number {
  const asked = error instanceof ModelError ? (error.retryAfterMs ?? 0) : 0
  return asked > 0 ? Math.min(Math.ceil(asked), MAX_ASKED_MS) : 0
}
