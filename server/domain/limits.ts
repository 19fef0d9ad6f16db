import { z } from 'zod'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { Principal } from '../contract/principal.ts'
import { invalid } from '../contract/parse-input.ts'
import { MessageRole } from '../contract/message.ts'
import { Budget } from '../contract/budget.ts'
import { MAX_TIMEOUT_MS } from '../contract/create-run.ts'
import type { CreateRunInput } from '../contract/create-run.ts'
import type { Logger } from '../ports/logger.ts'
import { answerInTime } from './answer-in-time.ts'

/**
 * The most that a caller may request for a run. Every caller may request the defaults of the agent and the
 * configuration.
 */
export type CallerLimits = z.infer<typeof CallerLimits>
const CallerLimits = z.strictObject({
  /** Attempts. Default: 10. */
  maxAttempts: z.int().min(1).max(100).default(10),
  /** Milliseconds of execution. Default: a day. */
  timeoutMs: z.int().min(1).max(MAX_TIMEOUT_MS).default(86_400_000),
  /** Default: 100, the highest there is; 0 for anonymous callers. */
  priority: z.int().min(-100).max(100).optional(),
  /** The budget that no run may exceed, even when the request names none. Default: the agent's budget. */
  budget: Budget.optional(),
  /**
   * Roles of messages that the caller may send, besides `user`, which everybody may. Default: the configuration's
   * `messageRoles`, or `visitorMessageRoles` for anonymous callers.
   */
  roles: z.array(MessageRole).optional(),
})

/**
 * Returns the limits of a caller. A field that is left out has its default.
 *
 * @example
 * limits: ({ kind, claims }) => (kind === 'user' && claims?.['plan'] === 'pro' ? { maxAttempts: 50 } : { priority: 0 })
 */
export type Limits = (
  principal: Principal,
) => z.input<typeof CallerLimits> | Promise<z.input<typeof CallerLimits>>

/** The defaults of a run. */
interface Defaults {
  maxAttempts: number
  timeoutMs: number
  budget: Budget | undefined
}

/** @returns the budget of the run */
export type CheckLimits = (
  principal: Principal,
  input: CreateRunInput,
  defaults: Defaults,
) => Promise<Budget | null>

/** The settings used where `limits` leaves a field out. */
interface StandardLimits {
  /** How long `limits` may take, in milliseconds. */
  quotaTimeoutSeconds: number
  messageRoles: readonly MessageRole[]
  visitorMessageRoles: readonly MessageRole[]
}

/** The returned function throws AgentRuntimeError `validation_failed` when a request exceeds the limits. */
export function createCheckLimits(
  limitsOf: Limits | undefined,
  standard: StandardLimits,
  log: Logger,
): CheckLimits {
  function late(): AgentRuntimeError {
    log.error({}, 'limits did not answer in time')
    return new AgentRuntimeError('unavailable', TOO_LATE)
  }

  return async (principal, { maxAttempts, timeoutMs, priority, budget, messages }, defaults) => {
    const asksNothing =
      maxAttempts === undefined &&
      timeoutMs === undefined &&
      budget === undefined &&
      priority <= 0 &&
      messages.every(({ role }) => role === 'user')
    if (limitsOf === undefined && asksNothing) return defaults.budget ?? null
    const limits = CallerLimits.parse(
      limitsOf === undefined
        ? {}
        : await answerInTime(limitsOf(principal), standard.quotaTimeoutSeconds * 1000, late),
    )
    const highest = limits.priority ?? (principal.kind === 'anonymous' ? 0 : 100)
    atMost('maxAttempts', maxAttempts, Math.max(limits.maxAttempts, defaults.maxAttempts))
    atMost('timeoutMs', timeoutMs, Math.max(limits.timeoutMs, defaults.timeoutMs))
    // 0 is the default priority, which everybody may have.
    atMost('priority', priority, Math.max(highest, 0))
    const isVisitor = principal.kind === 'anonymous'
    ofRoles(messages, limits.roles ?? (isVisitor ? standard.visitorMessageRoles : standard.messageRoles))
    return budgetWithin({ ...defaults.budget, ...limits.budget }, { asked: budget, own: defaults.budget })
  }
}

const TOO_LATE = 'Your limits could not be checked in time. Try again in a moment.'

function budgetWithin(
  most: Budget,
  { asked = {}, own = {} }: { asked: Budget | undefined; own: Budget | undefined },
): Budget | null {
  const budget: Budget = {}
  for (const what of ['tokens', 'toolCalls', 'cost'] as const) {
    const limit = most[what] ?? Infinity
    atMost(`budget.${what}`, asked[what], limit)
    const amount = asked[what] ?? Math.min(own[what] ?? Infinity, limit)
    if (amount !== Infinity) budget[what] = amount
  }
  return Object.keys(budget).length === 0 ? null : budget
}

function atMost(field: string, value: number | undefined, limit: number): void {
  if (value === undefined || value <= limit) return
  const message = `You may ask for ${limit} at most.`
  throw invalid(`The request is not valid at ${field}: ${message}`, [{ path: field.split('.'), message }])
}

function ofRoles(messages: CreateRunInput['messages'], allowed: readonly MessageRole[]): void {
  const roles = new Set<MessageRole>(['user', ...allowed])
  const message = `You may send messages of these roles only: ${[...roles].join(', ')}.`
  const issues = messages.flatMap(({ role }, index) =>
    roles.has(role) ? [] : [{ path: ['messages', index, 'role'], message }],
  )
  const [first] = issues
  if (first !== undefined)
    throw invalid(`The request is not valid at ${first.path.join('.')}: ${message}`, issues)
}
