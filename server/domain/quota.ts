import { z } from 'zod'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { toProblems } from '../contract/issues.ts'
import type { Principal } from '../contract/principal.ts'
import type { Logger } from '../ports/logger.ts'
import { ownerOf } from '../ports/owner.ts'
import { answerInTime } from './answer-in-time.ts'

/** A refusal by the quota. */
export type QuotaExceeded = z.infer<typeof QuotaExceeded>
const QuotaExceeded = z.strictObject({
  /** Seconds until the caller may try again, at most a year. Callers get it rounded up to whole seconds. */
  retryAfterSeconds: z.number().min(0).max(31_536_000),
  /** A sentence for the caller. Default: a sentence that says that too many runs were created. */
  message: z.string().min(1).max(1_000).optional(),
})

/** `true` or nothing allows the run. */
export type QuotaAnswer = void | undefined | null | true | QuotaExceeded

/**
 * Decides whether a caller may create another run of an agent now. It is asked once for each run, after all other
 * checks. It is not asked for schedules in the agent's code, or when the idempotency key was used before. If it throws,
 * gives an invalid answer, or none within `quotaTimeoutSeconds`, the run is refused with 503. An `AgentRuntimeError`
 * that it throws is passed to the caller.
 *
 * @example
 * quota: async ({ tenantId }) => ((await runsOfThisHour(tenantId)) < 100 ? true : { retryAfterSeconds: 600 })
 */
export type Quota = (principal: Principal, agentKey: string) => QuotaAnswer | Promise<QuotaAnswer>

export type CheckQuota = (principal: Principal, agentKey: string) => Promise<void>

/**
 * The returned function throws AgentRuntimeError `rate_limited` with `details.retryAfterSeconds`, or `unavailable` when
 * the quota cannot be checked.
 */
export function createCheckQuota(
  quota: Quota,
  { timeoutMs, log }: { timeoutMs: number; log: Logger },
): CheckQuota {
  return async (principal, agentKey) => {
    const by = ownerOf(principal)
    const answer = await ask(principal, agentKey)
    if (answer === undefined || answer === null || answer === true) return
    const refusal = QuotaExceeded.safeParse(answer)
    if (!refusal.success) {
      log.error({ by, agentKey, problems: toProblems(refusal.error.issues) }, NO_ANSWER)
      throw unknown()
    }
    const retryAfterSeconds = Math.ceil(refusal.data.retryAfterSeconds)
    log.info({ by, agentKey, retryAfterSeconds }, 'refused a run: its quota is used up')
    const message =
      refusal.data.message ?? 'You have created as many runs as you may for now. Try again later.'
    throw new AgentRuntimeError('rate_limited', message, { details: { retryAfterSeconds } })
  }

  async function ask(principal: Principal, agentKey: string): Promise<unknown> {
    try {
      return await answerInTime(
        quota(principal, agentKey),
        timeoutMs,
        () => new Error('There was no answer in time.'),
      )
    } catch (error) {
      if (error instanceof AgentRuntimeError) throw error
      log.error({ err: error, agentKey }, 'quota failed, so a run is refused with 503')
      throw unknown()
    }
  }
}

const NO_ANSWER = 'quota answered neither true nor with a time to try again, so a run is refused with 503'

const unknown = () =>
  new AgentRuntimeError('unavailable', 'Your quota could not be checked. Try again in a moment.')
