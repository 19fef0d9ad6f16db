import { z } from 'zod'
import type { GetConversationRequest, ListConversationsRequest } from '../../contract/conversation.ts'
import { Cursor } from '../../contract/event.ts'
import { RunStatus } from '../../contract/run.ts'
import type { ListRunsRequest } from '../../contract/run.ts'
import { Scope } from '../../contract/scope.ts'
import { DELIVERY_STATUSES } from '../../contract/webhook-delivery.ts'

// A query is text, so numbers and flags are converted here. The use case checks their bounds, as for tRPC;
// the OpenAPI document lists them.
const asked = (schema: Record<string, unknown>) => z.string().optional().meta(schema)

const whole = (schema: Record<string, unknown>) =>
  z
    .string()
    .transform((text) => Number(text))
    .optional()
    .meta({ type: 'integer', ...schema })

const FLAGS: Record<string, boolean> = { 1: true, true: true, yes: true, 0: false, false: false, no: false }

const flag = (usual: boolean, description: string) =>
  z
    .string()
    .transform((text) => FLAGS[text.toLowerCase()] ?? text)
    .pipe(z.boolean('expected true or false'))
    .default(usual)
    .meta({ type: 'boolean', default: usual, description })

const LIMIT = { minimum: 1, maximum: 200, default: 50 }
const SCOPE = { enum: Scope.options, default: 'own', description: 'Whose.' }
const CURSOR = { description: 'From a link to another page.' }
const DEBUG = 'Tool calls, results and usage too.'
const ALL = 'Internal events too.'

export const ListRunsQuery = z.object({
  agent_key: asked({}),
  status: asked({ enum: RunStatus.options }),
  conversation_id: asked({ format: 'uuid' }),
  parent_run_id: asked({ format: 'uuid', description: 'Runs that this run has started.' }),
  scope: asked(SCOPE),
  limit: whole(LIMIT),
  cursor: asked(CURSOR),
})

export function fromListRunsQuery(query: z.infer<typeof ListRunsQuery>): ListRunsRequest {
  const input: Record<keyof ListRunsRequest, unknown> = {
    agentKey: query.agent_key,
    status: query.status,
    conversationId: query.conversation_id,
    parentRunId: query.parent_run_id,
    scope: query.scope,
    limit: query.limit,
    cursor: query.cursor,
  }
  return input as ListRunsRequest
}

/** The use case refuses all other values. */
const flagOr = (schema: Record<string, unknown>) =>
  z
    .string()
    .transform((text) => FLAGS[text.toLowerCase()] ?? text)
    .optional()
    .meta(schema)

const jsonText = (schema: Record<string, unknown>) =>
  z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown
      } catch {
        context.addIssue('expected JSON, such as {"ticket":17}')
        return z.NEVER
      }
    })
    .optional()
    .meta(schema)

export const ListConversationsQuery = z.object({
  agent_key: asked({}),
  external_id: asked({ description: "The caller's own key of it." }),
  metadata: jsonText({ description: 'JSON that its metadata must contain, at any depth.' }),
  search: asked({ description: 'Words that occur in its title or its messages.' }),
  archived: flagOr({ enum: ['true', 'false', 'all'], default: 'false' }),
  scope: asked(SCOPE),
  limit: whole(LIMIT),
  cursor: asked(CURSOR),
})

export function fromListConversationsQuery(
  query: z.infer<typeof ListConversationsQuery>,
): ListConversationsRequest {
  const input: Record<keyof ListConversationsRequest, unknown> = {
    agentKey: query.agent_key,
    externalId: query.external_id,
    metadata: query.metadata,
    search: query.search,
    archived: query.archived,
    scope: query.scope,
    limit: query.limit,
    cursor: query.cursor,
  }
  return input as ListConversationsRequest
}

export const HistoryQuery = z.object({
  limit: whole({ minimum: 1, maximum: 1_000, default: 100 }),
  offset: whole({ minimum: 0, default: 0 }),
  include_failed_runs: flag(
    false,
    'Also messages of runs that failed, timed out, or were cancelled before they began.',
  ),
  include_debug: flag(false, 'Also what the models thought, as `reasoning` parts of their messages.'),
})

export function fromHistoryQuery(
  conversationId: string,
  query: z.infer<typeof HistoryQuery>,
): GetConversationRequest {
  return {
    conversationId,
    limit: query.limit,
    offset: query.offset,
    includeFailedRuns: query.include_failed_runs,
    includeDebug: query.include_debug,
  } satisfies Record<keyof GetConversationRequest, unknown>
}

export const ListFilesQuery = z.object({ scope: asked(SCOPE), limit: whole(LIMIT), cursor: asked(CURSOR) })

export const ListMemoriesQuery = z.object({
  namespace: asked({}),
  search: asked({ description: 'Words that must all occur in the key or in a text of the value.' }),
  scope: asked(SCOPE),
  limit: whole(LIMIT),
  cursor: asked(CURSOR),
})

export const ListSchedulesQuery = z.object({
  agent_key: asked({}),
  scope: asked(SCOPE),
  limit: whole(LIMIT),
  cursor: asked(CURSOR),
})

export const ListWebhooksQuery = z.object({
  run_id: asked({ format: 'uuid' }),
  conversation_id: asked({ format: 'uuid' }),
})

export const ListDeliveriesQuery = z.object({
  run_id: asked({ format: 'uuid' }),
  webhook_id: asked({ format: 'uuid' }),
  status: asked({ enum: DELIVERY_STATUSES }),
  scope: asked(SCOPE),
  limit: whole(LIMIT),
  cursor: asked(CURSOR),
})

export const RunQuery = z.object({
  include_events: flag(true, 'As many events of the run as fit.'),
  include_debug: flag(false, DEBUG),
  include_all: flag(false, ALL),
})

/**
 * Bounded, because a waiting reader is not authenticated again meanwhile, and proxies give up after a minute
 * by default.
 */
const MAX_WAIT_SECONDS = 50

export const EventsQuery = z.object({
  from_seq: Cursor.optional().meta({
    type: 'integer',
    minimum: 0,
    description: '`seq` of the first event wanted.',
  }),
  include_debug: flag(false, DEBUG),
  include_all: flag(false, ALL),
  limit: whole({ minimum: 1, maximum: 1_000, default: 100, description: 'Of a JSON page.' }),
  wait_seconds: z.coerce.number().int().min(0).max(MAX_WAIT_SECONDS).default(0).meta({
    type: 'integer',
    minimum: 0,
    maximum: MAX_WAIT_SECONDS,
    default: 0,
    description: 'How long an empty JSON page waits for an event.',
  }),
})

export const ConversationEventsQuery = z.object({
  after: asked({ description: '`cursor` of an event, of a page or of the conversation; `now`.' }),
  include_debug: flag(false, DEBUG),
  include_all: flag(false, ALL),
  limit: whole({ minimum: 1, maximum: 1_000, default: 100, description: 'Of a JSON page.' }),
})
