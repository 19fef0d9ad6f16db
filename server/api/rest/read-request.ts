import type { Context } from 'hono'
import { z } from 'zod'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import type { GetConversationRequest, ListConversationsRequest } from '../../contract/conversation.ts'
import { Cursor } from '../../contract/event.ts'
import { parseInput } from '../../contract/parse-input.ts'
import type { ListRunsRequest } from '../../contract/run.ts'
import { publicUrl } from '../public-url.ts'

/** @throws AgentRuntimeError `unsupported_media_type`, `bad_request` or `validation_failed` */
export async function readBody<T extends z.ZodType>(c: Context, schema: T): Promise<z.output<T>> {
  const type = c.req.header('content-type')
  if (type === undefined || !/^application\/([\w.+-]+\+)?json\b/i.test(type)) {
    throw new AgentRuntimeError('unsupported_media_type', 'Send JSON: content-type: application/json.')
  }
  const text = await c.req.text()
  return parseInput(schema, parseJson(text))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message : ''
    throw new AgentRuntimeError('bad_request', `The body is not JSON. ${reason}`.trim(), { cause: error })
  }
}

// A query is text: what is a number or a flag becomes one here. What is within bounds, the use case decides, as for tRPC.
const Given = z.unknown().optional()

export const whole = z
  .string()
  .transform((text) => Number(text))
  .optional()

export const flag = z
  .enum(['true', 'false', '1', '0'])
  .default('false')
  .transform((value) => value === 'true' || value === '1')

export const ListRunsQuery = z.object({
  agent_key: Given,
  status: Given,
  conversation_id: Given,
  scope: Given,
  limit: whole,
  cursor: Given,
})

export function fromListRunsQuery(query: z.infer<typeof ListRunsQuery>): ListRunsRequest {
  const input: Record<keyof ListRunsRequest, unknown> = {
    agentKey: query.agent_key,
    status: query.status,
    conversationId: query.conversation_id,
    scope: query.scope,
    limit: query.limit,
    cursor: query.cursor,
  }
  return input as ListRunsRequest
}

/** What is neither is for the use case to refuse. */
const flagOr = z
  .string()
  .transform((value) => (value === 'true' ? true : value === 'false' ? false : value))
  .optional()

const jsonText = z
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

export const ListConversationsQuery = z.object({
  agent_key: Given,
  external_id: Given,
  metadata: jsonText,
  search: Given,
  archived: flagOr,
  scope: Given,
  limit: whole,
  cursor: Given,
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

export const HistoryQuery = z.object({ limit: whole, offset: whole, include_failed_runs: flag })

export function fromHistoryQuery(
  conversationId: string,
  query: z.infer<typeof HistoryQuery>,
): GetConversationRequest {
  return {
    conversationId,
    limit: query.limit,
    offset: query.offset,
    includeFailedRuns: query.include_failed_runs,
  } satisfies Record<keyof GetConversationRequest, unknown>
}

export const EventsQuery = z.object({
  /** The first event wanted. */
  from_seq: Cursor.optional(),
  include_debug: flag,
  include_all: flag,
  /** Of a JSON page. */
  limit: whole,
})

/** The cursor of a stream: the header a reconnecting EventSource sends, else `?from_seq=`. */
export function readCursor(c: Context, query: z.output<typeof EventsQuery>): number {
  const lastEventId = c.req.header('last-event-id')
  if (lastEventId !== undefined && lastEventId !== '') return parseInput(Cursor, lastEventId)
  return Math.max(0, (query.from_seq ?? 1) - 1)
}

/** Where links to other pages of a list lead: with what was asked of the list, and nothing else, since that may be a token. */
export function pageUrl(c: Context, query: z.ZodObject): URL {
  const url = publicUrl(c.req.raw)
  for (const name of new Set(url.searchParams.keys())) {
    if (!Object.hasOwn(query.shape, name)) url.searchParams.delete(name)
  }
  return url
}
