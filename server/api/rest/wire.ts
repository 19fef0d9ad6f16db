// REST speaks snake_case. Only keys the contract defines are renamed: what is a user's own (params,
// metadata, output, custom events) passes as it is.
import { z } from 'zod'
import { ChatMessage, fromChatMessages, toChatMessage } from '../../contract/chat-message.ts'
import { CreateConversationInput } from '../../contract/conversation.ts'
import type {
  Conversation,
  ConversationDetail,
  UpdateConversationRequest,
} from '../../contract/conversation.ts'
import type { AnyConversationEvent, RunCreatedEvent } from '../../contract/conversation-event.ts'
import { RUNTIME_EVENTS } from '../../contract/event.ts'
import type { AnyRunEvent } from '../../contract/event.ts'
import type { Json, JsonObject } from '../../contract/json.ts'
import type { StoredMessage } from '../../contract/message.ts'
import type { Page } from '../../contract/page.ts'
import { RespondInput } from '../../contract/run.ts'
import type { Owner } from '../../contract/principal.ts'
import type { CreateRunInput, Run, RunDetail } from '../../contract/run.ts'

const Given = z.unknown().optional()

/** What REST has in a form of its own. The rest is for the use case to parse, which is asked the same over tRPC. */
export const RestCreateRun = z.strictObject({
  agent_key: Given,
  messages: z.array(ChatMessage).default([]),
  params: Given,
  conversation_id: Given,
  conversation: Given,
  ephemeral: Given,
  metadata: Given,
  idempotency_key: Given,
  max_attempts: Given,
  timeout_ms: Given,
  budget: z.strictObject({ tokens: Given, tool_calls: Given }).nullish(),
  priority: Given,
  run_at: Given,
  expires_at: Given,
  conversation_policy: Given,
})

export const RestRespond = z.strictObject({ wait: RespondInput.shape.wait, value: RespondInput.shape.value })

export function fromRestCreateRun(body: z.infer<typeof RestCreateRun>): z.input<typeof CreateRunInput> {
  const input: Record<keyof z.input<typeof CreateRunInput>, unknown> = {
    agentKey: body.agent_key,
    messages: fromChatMessages(body.messages),
    params: body.params,
    conversationId: body.conversation_id ?? undefined,
    conversation: fromRestChoice(body.conversation),
    ephemeral: body.ephemeral ?? undefined,
    metadata: body.metadata,
    idempotencyKey: body.idempotency_key ?? undefined,
    maxAttempts: body.max_attempts,
    timeoutMs: body.timeout_ms,
    budget: fromRestBudget(body.budget),
    priority: body.priority,
    runAt: body.run_at ?? undefined,
    expiresAt: body.expires_at ?? undefined,
    conversationPolicy: body.conversation_policy,
  }
  return input as z.input<typeof CreateRunInput>
}

const RestChoice = z.strictObject({ external_id: Given })

/** What is no choice is for the use case to refuse. */
function fromRestChoice(choice: unknown): unknown {
  const named = RestChoice.safeParse(choice)
  return named.success ? { externalId: named.data.external_id } : (choice ?? undefined)
}

/** Answers have null for what has no limit, so requests may. */
function fromRestBudget(budget: z.infer<typeof RestCreateRun>['budget']) {
  if (budget === undefined || budget === null) return undefined
  return { tokens: budget.tokens ?? undefined, toolCalls: budget.tool_calls ?? undefined }
}

export const toRestOwner = ({ id, tenantId, kind }: Owner) => ({ id, tenant_id: tenantId, kind })

export function toRestRun(run: Run) {
  return {
    id: run.id,
    owner: toRestOwner(run.owner),
    agent_key: run.agentKey,
    status: run.status,
    conversation_id: run.conversationId,
    params: run.params,
    metadata: run.metadata,
    output: run.output,
    error: run.error,
    attempt: run.attempt,
    max_attempts: run.maxAttempts,
    budget: run.budget && { tokens: run.budget.tokens ?? null, tool_calls: run.budget.toolCalls ?? null },
    priority: run.priority,
    run_at: run.runAt,
    expires_at: run.expiresAt,
    last_seq: run.lastSeq,
    cancel_requested_at: run.cancelRequestedAt,
    created_at: run.createdAt,
    started_at: run.startedAt,
    finished_at: run.finishedAt,
  }
}

/** Its time has the name that clients of the Python system read. */
function toRestMessage(message: StoredMessage) {
  const { id, runId, createdAt } = message
  return { id, ...toChatMessage(message), run_id: runId, timestamp: createdAt }
}

export function toRestRunDetail(run: RunDetail) {
  return {
    ...toRestRun(run),
    messages: run.messages.map(toRestMessage),
    waits: run.waits.map(({ expiresAt, ...wait }) => ({ ...wait, expires_at: expiresAt })),
  }
}

export const RestCreateConversation = z.strictObject({
  agent_key: z.string().min(1).nullish(),
  external_id: CreateConversationInput.shape.externalId.nullish(),
  title: CreateConversationInput.shape.title,
  metadata: CreateConversationInput.shape.metadata,
})

export const RestUpdateConversation = z.strictObject({
  agent_key: Given,
  external_id: Given,
  title: Given,
  metadata: Given,
  archived: Given,
})

/** Of a conversation that is changed as a whole. */
const UNLESS_GIVEN = { agentKey: null, externalId: null, title: null, metadata: {}, archived: false }

/** @param isWhole what is left out is not to stay as it is */
export function fromRestUpdateConversation(
  conversationId: string,
  { agent_key: agentKey, external_id: externalId, ...rest }: z.infer<typeof RestUpdateConversation>,
  { isWhole }: { isWhole: boolean },
): UpdateConversationRequest {
  const given = Object.entries({ agentKey, externalId, ...rest }).filter(([, value]) => value !== undefined)
  const changes = { ...(isWhole ? UNLESS_GIVEN : {}), ...Object.fromEntries(given) }
  return { conversationId, ...changes }
}

export function toRestConversation(conversation: Conversation) {
  return {
    id: conversation.id,
    owner: toRestOwner(conversation.owner),
    agent_key: conversation.agentKey,
    external_id: conversation.externalId,
    title: conversation.title,
    metadata: conversation.metadata,
    created_at: conversation.createdAt,
    updated_at: conversation.updatedAt,
    archived_at: conversation.archivedAt,
  }
}

export function toRestConversationDetail(conversation: ConversationDetail) {
  return {
    ...toRestConversation(conversation),
    messages: conversation.messages.map((message) => ({
      ...toRestMessage(message),
      parent_id: message.parentId,
    })),
    total_messages: conversation.totalMessages,
    has_more: conversation.hasMore,
    cursor: conversation.cursor,
  }
}

export function toRestEvent(event: AnyRunEvent | AnyConversationEvent) {
  const payload = toRestPayload(event)
  return {
    // The payload's own fields first: they can't displace what identifies the event.
    ...(isObject(payload) ? payload : {}),
    run_id: event.runId,
    seq: event.seq,
    type: event.type,
    ts: event.ts,
    attempt: event.attempt,
    visibility_level: event.visibility,
    ...('cursor' in event ? { cursor: event.cursor } : {}),
    payload,
  }
}

function toRestPayload({ type, payload, seq }: AnyRunEvent): Json {
  if (Object.hasOwn(RUNTIME_EVENTS, type)) return snakeKeys(payload)
  // Nothing that an agent emits has this number.
  if (seq > 0 || type !== ('run.created' satisfies RunCreatedEvent['type'])) return payload
  const { messages, ...rest } = payload as unknown as RunCreatedEvent['payload']
  return snakeKeys({ ...rest, messages: messages.map(toRestMessage) as unknown as Json })
}

/** @param url where links to other pages lead, but for the cursor. */
export function toRestPage<T, R>(page: Page<T>, { url, toRest }: { url: URL; toRest: (item: T) => R }) {
  const link = (cursor: string | null) => {
    if (cursor === null) return null
    const target = new URL(url)
    target.searchParams.set('cursor', cursor)
    return target.href
  }
  return {
    results: page.items.map(toRest),
    next: link(page.nextCursor),
    previous: link(page.previousCursor),
    count: page.count,
  }
}

function snakeKeys(payload: Json): Json {
  if (!isObject(payload)) return payload
  return Object.fromEntries(Object.entries(payload).map(([key, value]) => [snake(key), value]))
}

export const snake = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
