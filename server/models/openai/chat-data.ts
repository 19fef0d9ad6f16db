// What servers of chat completions want back with an answer, and the format has no place for: reasoning (DeepSeek, Kimi),
// signatures of thoughts (Gemini), lists of both (OpenRouter, LiteLLM).
import { z } from 'zod'
import type { Json } from '../../contract/json.ts'
import type { ChatCall } from './chat-calls.ts'
import type { Delta } from './chat-wire.ts'
import { toArgumentsObject, parseToolArguments } from '../provider/tool-arguments.ts'

/** The form in which it is stored with the answer. */
export type ChatData = z.infer<typeof ChatData>
export const ChatData = z.object({
  wire: z.literal('chat'),
  /** The server that the answer came from. No other server gets this back. */
  server: z.string(),
  /** Further fields of the message. */
  message: z.record(z.string(), z.json()),
  /** Of each call in its order: its arguments as they were written, and its further fields. */
  calls: z.array(z.object({ arguments: z.string().optional(), rest: z.record(z.string(), z.json()) })),
})

/** Whether an answer may have come from a server. Nothing is stored of an answer that needs nothing back. */
export function isFrom(data: unknown, server: string): boolean {
  const known = ChatData.safeParse(data)
  return !known.success || known.data.server === server
}

/** Their pieces are joined: text is what follows on the text before. */
const TEXTS = ['reasoning_content', 'reasoning', 'reasoning_text'] as const
const LISTS = ['reasoning_details', 'thinking_blocks'] as const
/** What is said later takes the place of what was said before. */
const OBJECTS = ['extra_content', 'provider_specific_fields'] as const

/** Adds a piece's part of these fields. */
export function collectFields(fields: Record<string, Json>, delta: Delta): void {
  for (const field of TEXTS) {
    const text = delta[field]
    if (text !== undefined) fields[field] = ((fields[field] as string | undefined) ?? '') + text
  }
  for (const field of LISTS) {
    const pieces = delta[field]
    if (Array.isArray(pieces)) {
      fields[field] = (pieces as Json[]).reduce(joinPiece, (fields[field] as Json[] | undefined) ?? [])
    }
  }
  for (const field of OBJECTS) {
    const value = delta[field]
    if (isRecord(value)) fields[field] = { ...(fields[field] as Record<string, Json> | undefined), ...value }
  }
}

/** Of these fields the pieces are joined, and all others said once. */
const JOINED: ReadonlySet<string> = new Set(['text', 'summary', 'data', 'thinking'])

/** A list's pieces belong together by their index; without one, a block goes on until it is signed. */
function joinPiece(list: Json[], piece: Json): Json[] {
  const last = list.at(-1)
  if (!isRecord(piece) || !isRecord(last) || !belongs(last, piece)) return [...list, piece]
  const joined = { ...last }
  for (const [key, value] of Object.entries(piece)) {
    const known = joined[key]
    if (JOINED.has(key) && typeof known === 'string' && typeof value === 'string') joined[key] = known + value
    else if (value !== null) joined[key] = value
  }
  return [...list.slice(0, -1), joined]
}

function belongs(last: Record<string, Json>, piece: Record<string, Json>): boolean {
  if (last['type'] !== piece['type']) return false
  if (typeof piece['index'] === 'number') return last['index'] === piece['index'] && sameId(last, piece)
  return 'thinking' in piece && !last['signature']
}

function sameId(last: Record<string, Json>, piece: Record<string, Json>): boolean {
  return !last['id'] || !piece['id'] || last['id'] === piece['id']
}

function isRecord(value: unknown): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What to store of an answer; undefined where there is nothing. */
export function toChatData(
  server: string,
  message: Record<string, Json>,
  calls: readonly ChatCall[],
): ChatData | undefined {
  const kept = calls.map(({ text, rest }) => ({ ...(isKept(text) ? {} : { arguments: text }), rest }))
  const isEmpty = kept.every((call) => call.arguments === undefined && Object.keys(call.rest).length === 0)
  if (isEmpty && Object.keys(message).length === 0) return undefined
  return { wire: 'chat', server, message, calls: kept }
}

/** Whether arguments are written again as they were, or are none that could be: a server's cache knows them by each byte. */
function isKept(text: string): boolean {
  const parsed = parseToolArguments(text)
  if (!text.trimStart().startsWith('{') || toArgumentsObject(parsed) !== parsed) return true
  return JSON.stringify(asStored(parsed)) === text
}

/** The database has an object's keys in an order of its own: by their length, then by their bytes. */
function asStored(value: Json): Json {
  if (Array.isArray(value)) return value.map(asStored)
  if (!isRecord(value)) return value
  const keys = Object.keys(value).map((key) => Buffer.from(key))
  keys.sort((one, other) => one.length - other.length || Buffer.compare(one, other))
  return Object.fromEntries(keys.map(String).map((key) => [key, asStored(value[key] as Json)]))
}
