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
  /**
   * The conversation is created with the run. When it has an `externalId`, `conversationId` is used only if no
   * conversation has that key yet.
   */
  newConversation: { externalId: string | null } | null
  /** The message whose place it takes; null for a run at the end of the chosen branch. */
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
  /** A hash of the request. The same idempotency key with another hash is refused. Null when this is not checked. */
  fingerprint: string | null
  priority: number
  /** ISO 8601. */
  runAt: string | null
  expiresAt: string | null
  conversationPolicy: ConversationPolicy
  /** Its principal or its tenant has a limit on runs at once. */
  isLimited: boolean
  /** The run is refused when this many runs already wait for their turn in its conversation. */
  maxWaiting: number
  /** Endpoints to which its caller wants its webhooks sent. */
  webhooks: readonly NewWebhook[]
  /** W3C trace context of its creation, which all its attempts continue. Null when nothing is traced. */
  traceparent: string | null
}

/** What only a caller asks for, in a run that the runtime creates by itself in a conversation. */
export const NOT_ASKED = {
  newConversation: null,
  insteadOf: null,
  fileIds: [],
  webhooks: [],
  fingerprint: null,
  runAt: null,
  expiresAt: null,
  conversationPolicy: 'queue',
  maxWaiting: Infinity,
} as const satisfies Partial<NewRun>

/** Whether creating the run may have to wait for a lock. Runs that never wait are created in separate batches. */
export function mayClash(run: NewRun): boolean {
  const { idempotencyKey, fileIds, isLimited, principal } = run
  if (fileIds.length > 0 || isLimited || principal.kind === 'anonymous') return true
  return idempotencyKey !== null || comesIntoConversation(run)
}

/** Whether its conversation may have other runs. */
export function comesIntoConversation(run: NewRun): boolean {
  return run.conversationId !== null && !hasConversationOfItsOwn(run)
}

/** Whether the run always gets a new conversation. */
export function hasConversationOfItsOwn({ newConversation }: NewRun): boolean {
  return newConversation !== null && newConversation.externalId === null
}

/**
 * `created`: `interrupted` are the runs that it replaces; running ones among them are told to stop. `alreadySaid` is
 * how many of its messages were left out because the conversation had them. `isParked`: it found no room at a gate, or
 * comes to a gate later. `waitsForTurn`: other runs of its conversation come first.
 * `existing`: its owner used the idempotency key before. `run` is the run that was created then.
 * `steered`: by the policy, its messages were sent to the run under way, which is `run`. `isNew` is false when the same
 * idempotency key had sent them before.
 * `key-taken`: its owner used the idempotency key before, for another request.
 * `no-conversation`: the conversation does not exist, or is not the owner's.
 * `no-file`: a file that its messages name does not exist, or is not the owner's.
 * `busy`: another run of the conversation is under way, and the policy is to refuse.
 * `session-over`: a user has claimed the session of the visitor it is for.
 * `no-place`: the message whose place it should take does not exist (`missing`), belongs to a run that waits for its
 * turn (`waiting`), or is a tool's result (`tool-result`): without it the call would have no result.
 * `full`: it would have to wait for its turn, and too many runs do so already.
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
  /** Messages that an ended run left unread are about to become the conversation's next run. */
  | { kind: 'leaving' }
  | { kind: 'session-over' }
  | { kind: 'no-place'; reason: 'missing' | 'tool-result' | 'waiting' }
  | { kind: 'full'; waiting: number }
