// The payloads of transitions' events. Workers write some and SQL statements write others, so there are two forms.
import type { RuntimeEventPayloads, RuntimeEventType } from '../contract/runtime-events.ts'
import type { Json } from '../contract/json.ts'
import type { RunError } from '../contract/run.ts'

/** An SQL expression for each field of a payload. */
type FieldsSql<T extends RuntimeEventType> = { [Field in keyof RuntimeEventPayloads[T]]: string }

function objectSql(fields: Record<string, string>): string {
  const pairs = Object.entries(fields).map(([field, value]) => `'${field}', ${value}`)
  return `jsonb_build_object(${pairs.join(', ')})`
}

export const startedSql = (agentKey: string, version: string): string =>
  `jsonb_strip_nulls(${objectSql({ agentKey, version } satisfies FieldsSql<'run.started'>)})`

export const resumedSql = (wait: string): string => objectSql({ wait } satisfies FieldsSql<'run.resumed'>)

/** For a run that was never executed and has no output. */
export const succeededSql = `'{}'::jsonb`

export const cancelledPayload: Json = {}
export const cancelledSql = `'{}'::jsonb`

export function childStartedPayload({
  id,
  agentKey,
  isDetached,
}: {
  id: string
  agentKey: string
  isDetached: boolean
}): Json {
  return { childRunId: id, agentKey, detached: isDetached } satisfies RuntimeEventPayloads['child.started']
}

export function failedPayload({ message, code, details }: RunError): Json {
  return { error: message, code, ...(details === undefined ? {} : { details }) }
}

/** @param error an error of the runtime, which has no details */
export function failedSql(error: string): string {
  const fields = { error: `${error} -> 'message'`, code: `${error} -> 'code'` }
  return objectSql(fields satisfies FieldsSql<'run.failed'>)
}

export function timedOutPayload({ message }: RunError, timeoutMs: number): Json {
  return { error: message, timeoutMs }
}

/** @param timeoutMs left out for a run that never started */
export function timedOutPayloadSql(error: string, timeoutMs?: string): string {
  const fields = { error: `${error} -> 'message'`, ...(timeoutMs !== undefined && { timeoutMs }) }
  return objectSql(fields satisfies FieldsSql<'run.timed_out'>)
}

/** The payload of `run.retrying`. The writer of the attempt's events adds `messageIds`. */
export function retryingPayload(retry: { error: RunError; delayMs: number; attempt: number }): Json {
  const { error, delayMs, attempt } = retry
  return { error: { ...error, details: error.details ?? null }, delayMs, nextAttempt: attempt + 1 }
}

/** `messageIds` names the messages that are void. */
export function retryingSql(retry: Record<'error' | 'delayMs' | 'attempt' | 'messageIds', string>): string {
  const { error, delayMs, attempt, messageIds } = retry
  const fields = { error, delayMs, nextAttempt: `${attempt} + 1`, messageIds }
  return objectSql(fields satisfies FieldsSql<'run.retrying'>)
}
