import { v7 as uuidv7 } from 'uuid'
import type { AnyAgent } from '../agent/agent.ts'
import type { Json, JsonObject } from '../contract/json.ts'
import { CreateRunInput, SCHEDULE_KEY_PREFIX } from '../contract/create-run.ts'
import type { ConversationChoice, ConversationPolicy, Preferences } from '../contract/create-run.ts'
import type { NewRun } from '../ports/create-run.ts'
import { fingerprintOf } from './fingerprint.ts'

/** Options for a schedule's run. */
export interface Occurrence {
  /** The run's idempotency key, which no caller can use. */
  occurrence: string
  /** Whether a caller made the schedule, not the agent's author. Then the limits of callers apply. */
  isCallers?: boolean
}

/**
 * Removes `handoff`, which tells an agent who handed on to it. Callers must not set it, even when they repeat the
 * request of a run that has it.
 */
export function withoutHandoff({ handoff: _handoff, ...metadata }: JsonObject): JsonObject {
  return metadata
}

/** Every occurrence of a schedule gets a run of its own, so `steer` becomes `queue`. */
export function policyOf(
  input: CreateRunInput,
  agent: AnyAgent,
  options: Occurrence | undefined,
): ConversationPolicy {
  const policy = input.conversationPolicy ?? agent.conversationPolicy
  if (policy === 'steer' && options !== undefined) return 'queue'
  return policy ?? (insteadOf(input) === null ? 'queue' : 'interrupt')
}

export type Place = Pick<NewRun, 'conversationId' | 'newConversation'>

export function placeOf(input: CreateRunInput, { isAlwaysNew }: { isAlwaysNew: boolean }): Place {
  const { conversationId = null, conversation, ephemeral } = input
  if (conversationId !== null || ephemeral === true) return { conversationId, newConversation: null }
  const choice: ConversationChoice | undefined = conversation ?? (isAlwaysNew ? 'new' : undefined)
  if (choice === undefined) return { conversationId: null, newConversation: null }
  return {
    conversationId: uuidv7(),
    newConversation: { externalId: choice === 'new' ? null : choice.externalId },
  }
}

/**
 * The conversation as the request names it. Settings are left out: the fingerprint of a repeated request must not
 * change with them.
 */
export function namedBy({ conversationId, conversation, ephemeral }: CreateRunInput): Json {
  return conversationId ?? conversation ?? (ephemeral === true ? 'none' : null)
}

export function isEmpty(preferences: Preferences | undefined): boolean {
  return Object.values(preferences ?? {}).every((value) => value === undefined)
}

export function insteadOf({
  replaces,
  regenerates,
  supersedeFromMessageIndex: index,
}: CreateRunInput): NewRun['insteadOf'] {
  if (replaces !== undefined) return { messageId: replaces }
  if (regenerates !== undefined) return { answerOf: regenerates }
  return index === undefined ? null : { index }
}

export function keyOf(
  asked: Parameters<typeof fingerprintOf>[0],
  occurrence: string | undefined,
  key: string | undefined,
): Pick<NewRun, 'idempotencyKey' | 'fingerprint'> {
  // An occurrence has one run, even when two versions of the agent request different things.
  if (occurrence !== undefined) {
    return { idempotencyKey: `${SCHEDULE_KEY_PREFIX}${occurrence}`, fingerprint: null }
  }
  if (key === undefined) return { idempotencyKey: null, fingerprint: null }
  return { idempotencyKey: key, fingerprint: fingerprintOf(asked) }
}
