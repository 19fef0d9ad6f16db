import type { Context } from 'hono'
import { z } from 'zod'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import { Cursor } from '../../contract/event.ts'
import { isPlainObject } from '../../contract/json.ts'
import { parseInput } from '../../contract/parse-input.ts'
import { publicUrl } from '../public-url.ts'
import { EventsQuery } from './queries.ts'

/** @throws AgentRuntimeError `unsupported_media_type`, `bad_request` or `validation_failed` */
export async function readBody<T extends z.ZodType>(c: Context, schema: T): Promise<z.output<T>> {
  const type = c.req.header('content-type')
  if (type === undefined || !/^application\/([\w.+-]+\+)?json\b/i.test(type)) {
    throw new AgentRuntimeError('unsupported_media_type', 'Send JSON: content-type: application/json.')
  }
  const text = await c.req.text()
  return parseInput(schema, renamed(parseJson(text)))
}

/** Older clients write these in camelCase. */
const OTHER_NAMES = {
  agentKey: 'agent_key',
  conversationId: 'conversation_id',
  supersedeFromMessageIndex: 'supersede_from_message_index',
} as const

export function renamed(body: unknown): unknown {
  if (!isPlainObject(body)) return body
  const others = Object.entries(OTHER_NAMES).filter(([other]) => Object.hasOwn(body, other))
  if (others.length === 0) return body
  return { ...Object.fromEntries(others.map(([other, name]) => [name, body[other]])), ...body }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message : ''
    throw new AgentRuntimeError('bad_request', `The body is not JSON. ${reason}`.trim(), { cause: error })
  }
}

/** The cursor of a stream: the header a reconnecting EventSource sends, else `?from_seq=`. */
export function readCursor(c: Context, query: z.output<typeof EventsQuery>): number {
  const lastEventId = c.req.header('last-event-id')
  if (lastEventId !== undefined && lastEventId !== '') return parseInput(Cursor, lastEventId)
  return Math.max(0, (query.from_seq ?? 1) - 1)
}

/**
 * The URL of links to other pages of a list. It keeps the list's filters and nothing else, since other
 * parameters may be tokens.
 */
export function pageUrl(c: Context, query: z.ZodObject): URL {
  const url = publicUrl(c.req.raw)
  for (const name of new Set(url.searchParams.keys())) {
    if (!Object.hasOwn(query.shape, name)) url.searchParams.delete(name)
  }
  return url
}
