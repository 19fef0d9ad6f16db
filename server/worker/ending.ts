import { z } from 'zod'
import { ChildRunError } from '../agent/child-run.ts'
import type { AnyAgent } from '../agent/agent.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { detailsOf } from '../contract/issues.ts'
import type { Json } from '../contract/json.ts'
import { AgentMessage } from '../contract/message.ts'
import type { Usage } from '../contract/budget.ts'
import type { RunError } from '../contract/run.ts'
import { MAX_PAYLOAD_CHARACTERS } from '../ports/attempt.ts'
import { failuresAlone, isUsedUp } from '../lifecycle/charges.ts'
import { AGENT_BROKE, invalidOutput, timedOut, WORKER_BROKE, WORKER_STOPPED } from '../lifecycle/errors.ts'
import { cancelledPayload, failedPayload, retryingPayload, timedOutPayload } from '../lifecycle/payloads.ts'
import { TRANSITIONS } from '../lifecycle/transitions.ts'
import { ModelError } from '../ports/model.ts'
import type { AttemptEnding, ClaimedRun, NewWait, RunEnding } from '../ports/attempt.ts'

type EndTransition = 'succeeded' | 'failed' | 'cancelled' | 'timedOut'
type AttemptTransition = EndTransition | 'retried' | 'suspended'

/** How an attempt ends: what is written to the run's row, and the payload of the attempt's last event. */
export interface Ending {
  type: (typeof TRANSITIONS)[AttemptTransition]['event']
  payload: Json
  ending: AttemptEnding
  /** Events that are stored with it, or not at all. */
  before?: readonly { type: string; payload: Json }[]
}

export async function succeeded(
  agent: AnyAgent,
  result: Awaited<ReturnType<AnyAgent['run']>>,
  usage: Usage | undefined,
): Promise<Ending> {
  const { output: given = null, messages: said = [] } = result ?? {}
  const parsed = agent.output && (await z.safeParseAsync(agent.output, given))
  if (parsed?.success === false) {
    return invalid('an output that does not match its declared schema', parsed.error)
  }
  const output = asJson(parsed === undefined ? given : parsed.data)
  if (output === undefined) return invalid('an output that is not JSON')
  if (isTooLarge(output)) return invalid(`an output of more than ${MAX_PAYLOAD_CHARACTERS} characters`)
  const messages = Messages.safeParse(asJson(said))
  if (!messages.success) return invalid('messages that are not in the form of messages', messages.error)
  if (isTooLarge(messages.data)) return invalid(`messages of more than ${MAX_PAYLOAD_CHARACTERS} characters`)
  return ended(
    'succeeded',
    { output, ...(usage !== undefined && { usage }) },
    { output, messages: messages.data },
  )
}

/** An ending that ends the run. */
function ended(
  transition: EndTransition,
  payload: Json,
  { output = null, error = null, messages = [] }: Partial<Omit<RunEnding, 'status'>> = {},
): Ending {
  const { to, event } = TRANSITIONS[transition]
  return { type: event, payload, ending: { status: to, output, error, messages } }
}

const Messages = z.array(AgentMessage)

/** Shortens an error's message, which may be anything that an agent throws. */
function shorten(message: string): string {
  return message.length <= MAX_MESSAGE_CHARACTERS ? message : `${message.slice(0, MAX_MESSAGE_CHARACTERS)} …`
}

const MAX_MESSAGE_CHARACTERS = 10_000

function isTooLarge(value: unknown): boolean {
  return JSON.stringify(value).length > MAX_PAYLOAD_CHARACTERS
}

function invalid(what: string, error?: z.ZodError): Ending {
  return failed(invalidOutput(what, error && detailsOf(error.issues)))
}

/** The value as it will be read back. Undefined for what is not JSON, since the store would refuse it each time. */
function asJson(value: unknown): Json | undefined {
  try {
    return JSON.parse(JSON.stringify(value)) as Json
  } catch {
    return undefined
  }
}

export function failed(error: RunError): Ending {
  return ended('failed', failedPayload(error), { error })
}

/** Ends the attempt and queues the run for another one. */
export function released(
  run: Pick<ClaimedRun, 'agentKey' | 'attempt' | 'priority'>,
  reason: { error: RunError; delayMs?: number; failures?: number; losses?: number },
): Ending {
  const { error, delayMs = 0, failures = 0, losses = 0 } = reason
  const { agentKey, attempt, priority } = run
  const { to, event } = TRANSITIONS.retried
  return {
    type: event,
    payload: retryingPayload({ error, delayMs, attempt }),
    ending: { status: to, agentKey, priority, delayMs, failures, losses },
  }
}

/** What an owner may read of an error the agent threw. The rest goes to the log alone. */
export function toRunError(error: unknown): RunError {
  if (error instanceof AgentRuntimeError) {
    const { message, code } = error
    const details = asJson(error.details)
    const isShown = details !== undefined && !isTooLarge(details)
    return { message: shorten(message), code, ...(isShown ? { details } : {}) }
  }
  // Its message may be shown: it says what the provider refused, without keys and without the request.
  if (error instanceof ModelError)
    return { message: shorten(error.message), code: 'model_error', details: { reason: error.code } }
  if (error instanceof ChildRunError) {
    const { runId, agentKey, status, runError } = error
    const details = { runId, agentKey, status, code: runError?.code ?? null }
    return { message: shorten(error.message), code: 'child_failed', details }
  }
  return AGENT_BROKE
}

/** Ends the attempt. Another one follows when a wait is over. */
export function suspended(
  run: Pick<ClaimedRun, 'agentKey' | 'priority'>,
  { waits, payload }: { waits: readonly NewWait[]; payload: Json },
): Ending {
  const { agentKey, priority } = run
  const { to, event } = TRANSITIONS.suspended
  return { type: event, payload, ending: { status: to, agentKey, priority, waits } }
}

/** The ending of a run that was alone in its process when that broke. */
export function crashedAlone(
  run: Pick<ClaimedRun, 'agentKey' | 'attempt' | 'priority' | 'failures' | 'losses' | 'maxAttempts'>,
): Ending {
  const failures = failuresAlone(run.losses)
  return isUsedUp(run.failures + failures, run.maxAttempts)
    ? failed(WORKER_BROKE)
    : released(run, { error: WORKER_BROKE, failures })
}

export function interrupted(
  kind: 'cancelled' | 'timed_out' | 'drained' | 'crashed',
  run: Pick<ClaimedRun, 'agentKey' | 'attempt' | 'priority' | 'timeoutMs'>,
): Ending {
  const { timeoutMs } = run
  switch (kind) {
    case 'drained':
      return released(run, { error: WORKER_STOPPED })
    case 'crashed':
      return released(run, { error: WORKER_BROKE, losses: 1 })
    case 'cancelled':
      return ended('cancelled', cancelledPayload)
    case 'timed_out': {
      const error = timedOut(timeoutMs)
      return ended('timedOut', timedOutPayload(error, timeoutMs), { error })
    }
  }
}
