import type { Json, JsonObject } from '../contract/json.ts'
import type { Message } from '../contract/message.ts'
import type { Principal } from '../contract/principal.ts'
import type { Budget } from '../contract/budget.ts'
import type { ConversationPolicy, Preferences } from '../contract/create-run.ts'
import type { Run } from '../contract/run.ts'
import type { NewWebhook } from '../contract/webhook.ts'
import type { ChangedRun } from './upkeep.ts'

/** A message whose place a run takes: by its id, as the first answer of a run, or by its place in the history. */
export type InsteadOf = { messageId: string } | { answerOf: string } | { index: number }

export interface NewRun {
  id: string
  principal: Principal
  agentKey: string
  conversationId: string | null
  /** The conversation is made with the run. Where it has a key of the caller's, `conversationId` is its id only if it has to be made. */
  newConversation: { externalId: string | null } | null
  /** Where in its conversation it comes; null for the end of the chosen branch. */
  insteadOf: InsteadOf | null
  messages: readonly Message[]
  /** Uploaded files that the messages name. */
  fileIds: readonly string[]
  params: Json | null
  metadata: JsonObject
  /** Null where there are none. */
  preferences: Preferences | null
  maxAttempts: number
  timeoutMs: number
  budget: Budget | null
  idempotencyKey: string | null
  /** A hash of the request. The same key with another one is refused. Null where this is not checked. */
  fingerprint: string | null
  priority: number
  /** ISO 8601. */
  runAt: string | null
  expiresAt: string | null
  conversationPolicy: ConversationPolicy
  /** Its principal or its tenant has a limit of runs at once. */
  isLimited: boolean
  /** Refused when so many runs wait for their turn in its conversation. */
  maxWaiting: number
  /** Endpoints that its caller has told of it. */
  webhooks: readonly NewWebhook[]
  /** W3C trace context of its creation: that of all its attempts. Null where nothing is traced. */
  traceparent: string | null
}

/** Whether creating the run may have to wait for a lock. Runs that can't wait are created in batches of their own. */
export function mayClash(run: NewRun): boolean {
  const { idempotencyKey, fileIds, isLimited, principal } = run
  if (fileIds.length > 0 || isLimited || principal.kind === 'anonymous') return true
  return idempotencyKey !== null || comesIntoConversation(run)
}

/** Whether its conversation may have other runs. */
export function comesIntoConversation(run: NewRun): boolean {
  return run.conversationId !== null && !hasConversationOfItsOwn(run)
}

/** Whether its conversation is made with it, whatever else there is. */
export function hasConversationOfItsOwn({ newConversation }: NewRun): boolean {
  return newConversation !== null && newConversation.externalId === null
}

/**
 * `created`: `interrupted` are the runs that it replaces. Those that were running are told to stop. `alreadySaid`: so many of its
 * messages its conversation had, and the run does not have them again. `isParked`: it found no
 * room at a gate, or comes to one later. `waitsForTurn`: others of its conversation come first.
 * `existing`: its owner used the idempotency key before. This is the run that was created then.
 * `steered`: the policy is to say its messages to the run under way, which is this one. Not `isNew`: they were said to it before, with the
 * same idempotency key.
 * `key-taken`: its owner used the idempotency key before, for another request.
 * `no-conversation`: the conversation is not there, or not the owner's.
 * `no-file`: a file that its messages name is not there, or not the owner's.
 * `busy`: another run of the conversation is under way, and the policy is to refuse.
 * `session-over`: a user has claimed the session of the visitor it is for.
 * `no-place`: what it is to take the place of is not there (`missing`), is a tool's result, without which its call would be left
 * (`tool-result`), or is of a run that waits for its turn (`waiting`).
 * `full`: it would have to wait for its turn, as too many do.
 */
export type CreatedRun =
  | {
      kind: 'created'
      run: Run
      interrupted: readonly ChangedRun[]
      alreadySaid: number
      isParked: boolean
      waitsForTurn: boolean
    }
  | { kind: 'existing'; run: Run }
  | { kind: 'steered'; run: Run; messageIds: string[]; isNew: boolean }
  | { kind: 'key-taken'; runId: string }
  | { kind: 'no-conversation' }
  | { kind: 'no-file'; fileId: string }
  | { kind: 'busy'; runId: string }
  | { kind: 'session-over' }
  | { kind: 'no-place'; reason: 'missing' | 'tool-result' | 'waiting' }
  | { kind: 'full'; waiting: number }
