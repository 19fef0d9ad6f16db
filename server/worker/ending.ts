import { z } from 'zod'
import type { AnyAgent } from '../agent/define-agent.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { detailsOf } from '../contract/issues.ts'
import type { Json } from '../contract/json.ts'
import { AgentMessage } from '../contract/message.ts'
import type { RunError } from '../contract/run.ts'
import type { TerminalEventType } from '../contract/terminal.ts'
import { MAX_PAYLOAD_CHARACTERS } from '../events/run-log.ts'
import { ModelError } from '../ports/model.ts'
import type { AttemptEnding, ClaimedRun, NewWait } from '../ports/attempt.ts'

/** How an attempt ends: what the run's row gets, and the payload of its terminal event. */
export interface Ending {
  type: TerminalEventType | 'run.retrying' | 'run.waiting'
  payload: Json
  ending: AttemptEnding
}

export async function succeeded(
  agent: AnyAgent,
  result: Awaited<ReturnType<AnyAgent['run']>>,
): Promise<Ending> {
  const { output: given = null, messages: said = [] } = result ?? {}
  const parsed = await agent.output?.safeParseAsync(given)
  if (parsed?.success === false) {
    return invalidOutput('an output that does not match its declared schema', parsed.error)
  }
  const output = asJson(parsed === undefined ? given : parsed.data)
  if (output === undefined) return invalidOutput('an output that is not JSON')
  if (isTooLarge(output)) return invalidOutput(`an output of more than ${MAX_PAYLOAD_CHARACTERS} characters`)
  const messages = Messages.safeParse(asJson(said))
  if (!messages.success) return invalidOutput('messages that are not in the form of messages', messages.error)
  if (isTooLarge(messages.data))
    return invalidOutput(`messages of more than ${MAX_PAYLOAD_CHARACTERS} characters`)
  return {
    type: 'run.succeeded',
    payload: { output },
    ending: { status: 'succeeded', output, error: null, messages: messages.data },
  }
}

const Messages = z.array(AgentMessage)

/** An error is for people to read; what an agent puts into one may be anything. */
function shorten(message: string): string {
  return message.length <= MAX_MESSAGE_CHARACTERS ? message : `${message.slice(0, MAX_MESSAGE_CHARACTERS)} …`
}

const MAX_MESSAGE_CHARACTERS = 10_000

function isTooLarge(value: unknown): boolean {
  return JSON.stringify(value).length > MAX_PAYLOAD_CHARACTERS
}

function invalidOutput(what: string, error?: z.ZodError): Ending {
  const details = error && detailsOf(error.issues)
  return failed({
    message: `The agent returned ${what}.`,
    code: 'invalid_output',
    ...(details === undefined ? {} : { details }),
  })
}

/** As it will be read back; undefined for what is not JSON, which the store would refuse for ever. */
function asJson(value: unknown): Json | undefined {
  try {
    return JSON.parse(JSON.stringify(value)) as Json
  } catch {
    return undefined
  }
}

export function failed(error: RunError): Ending {
  const { message, code, details } = error
  return {
    type: 'run.failed',
    payload: { error: message, code, ...(details === undefined ? {} : { details }) },
    ending: { status: 'failed', output: null, error, messages: [] },
  }
}

/** The attempt is over and the run is not: it is queued for another one. */
export function released(
  run: Pick<ClaimedRun, 'agentKey' | 'attempt' | 'priority'>,
  reason: { error: RunError; delayMs?: number; failures?: number; losses?: number },
): Ending {
  const { error, delayMs = 0, failures = 0, losses = 0 } = reason
  return {
    type: 'run.retrying',
    payload: { error: { ...error, details: error.details ?? null }, delayMs, nextAttempt: run.attempt + 1 },
    ending: { status: 'queued', agentKey: run.agentKey, priority: run.priority, delayMs, failures, losses },
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
  // Written to be shown: it names what the provider refused, without keys and without the request.
  if (error instanceof ModelError) return { message: shorten(error.message), code: 'model_error' }
  return { message: 'The agent failed with an unexpected error.', code: 'agent_error' }
}

/** The attempt is over until what it waits for is there; then another goes on. */
export function suspended(
  run: Pick<ClaimedRun, 'agentKey' | 'priority'>,
  { waits, payload }: { waits: readonly NewWait[]; payload: Json },
): Ending {
  const { agentKey, priority } = run
  return { type: 'run.waiting', payload, ending: { status: 'waiting', agentKey, priority, waits } }
}

const WORKER_BROKE: RunError = {
  message: 'An error that nobody caught broke the process that executed the run.',
  code: 'worker_lost',
}

/**
 * How a run ends whose process broke while it executed nothing else: that can only be its doing, so the times it
 * lost its process in company count as its failures too.
 */
export function crashedAlone(
  run: Pick<ClaimedRun, 'agentKey' | 'attempt' | 'priority' | 'failures' | 'losses' | 'maxAttempts'>,
): Ending {
  const failures = 1 + run.losses
  return run.failures + failures >= run.maxAttempts
    ? failed(WORKER_BROKE)
    : released(run, { error: WORKER_BROKE, failures })
}

export function interrupted(
  kind: 'cancelled' | 'timed_out' | 'drained' | 'crashed',
  run: Pick<ClaimedRun, 'agentKey' | 'attempt' | 'priority' | 'timeoutMs'>,
): Ending {
  const { timeoutMs } = run
  switch (kind) {
    case 'drained': {
      const error = { message: 'The worker is stopping.', code: 'worker_stopped' }
      return released(run, { error })
    }
    case 'crashed':
      return released(run, { error: WORKER_BROKE, losses: 1 })
    case 'cancelled':
      return {
        type: 'run.cancelled',
        payload: {},
        ending: { status: 'cancelled', output: null, error: null, messages: [] },
      }
    case 'timed_out': {
      const error = { message: `The run took longer than ${timeoutMs / 1000} s.`, code: 'timed_out' }
      return {
        type: 'run.timed_out',
        payload: { error: error.message, timeoutMs },
        ending: { status: 'timed_out', output: null, error, messages: [] },
      }
    }
  }
}
