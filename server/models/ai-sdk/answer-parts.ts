// What an answer was made of, as its provider may want it back: thoughts, metadata such as signatures, what its own tools did.
import { z } from 'zod'
import type { Json } from '../../contract/json.ts'
import type { StreamPart } from './wire.ts'

const Metadata = z.record(z.string(), z.record(z.string(), z.json())).optional()

const AnswerPart = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['text', 'reasoning']), text: z.string(), metadata: Metadata }),
  z.object({
    type: z.literal('tool-call'),
    id: z.string(),
    name: z.string(),
    input: z.json(),
    /** The provider has run it. */
    isTheirs: z.boolean(),
    metadata: Metadata,
  }),
  z.object({
    type: z.literal('tool-result'),
    id: z.string(),
    name: z.string(),
    result: z.json(),
    isError: z.boolean(),
    metadata: Metadata,
  }),
  z.object({
    type: z.enum(['file', 'reasoning-file']),
    mediaType: z.string(),
    /** In base64, or where it is. */
    data: z.union([z.object({ base64: z.string() }), z.object({ url: z.string() })]),
    metadata: Metadata,
  }),
  z.object({ type: z.literal('custom'), kind: z.string(), metadata: Metadata }),
])
export type AnswerPart = z.infer<typeof AnswerPart>

/** The form in which it is stored with the answer. */
const AnswerData = z.object({ wire: z.literal('ai-sdk'), parts: z.array(AnswerPart) })

/** Undefined where an answer is no more than text and calls, which its message has. */
export function toAnswerData(parts: readonly AnswerPart[]): Json | undefined {
  // The database keeps no order of keys in a message's calls, and providers' caches go by the bytes.
  const isPlain = (part: AnswerPart) =>
    part.metadata === undefined &&
    (part.type === 'text' || (part.type === 'tool-call' && !part.isTheirs && isEmpty(part.input)))
  if (parts.every(isPlain)) return undefined
  // Without the fields that are undefined.
  return JSON.parse(JSON.stringify({ wire: 'ai-sdk', parts })) as Json
}

export function readAnswerData(data: Json | undefined): readonly AnswerPart[] | undefined {
  const known = AnswerData.safeParse(data)
  return known.success ? known.data.parts : undefined
}

const isEmpty = (input: Json) => JSON.stringify(input) === '{}'

/** A part that comes in one piece; undefined for one that does not go back, such as a source. */
export function toAnswerPart(part: StreamPart): AnswerPart | undefined {
  const { type, providerMetadata: metadata, toolCallId: id = '', toolName: name = '' } = part
  switch (type) {
    case 'tool-result':
      if (part.preliminary === true) return undefined
      return { type, id, name, result: toJson(part.result), isError: part.isError === true, metadata }
    case 'file':
    case 'reasoning-file': {
      const data = toStoredBytes(part.data)
      return data && { type, mediaType: part.mediaType ?? 'application/octet-stream', data, metadata }
    }
    case 'custom':
      return { type, kind: part.kind ?? '', metadata }
    default:
      return undefined
  }
}

function toStoredBytes(data: unknown): { base64: string } | { url: string } | undefined {
  if (data instanceof Uint8Array) return { base64: Buffer.from(data).toString('base64') }
  if (typeof data === 'string') return { base64: data }
  if (data instanceof URL) return { url: data.href }
  const { type, data: inner, url } = Object(data) as Record<string, unknown>
  return type === 'url' ? toStoredBytes(url) : inner === undefined ? undefined : toStoredBytes(inner)
}

function toJson(value: unknown): Json {
  return (JSON.parse(JSON.stringify(value ?? null)) ?? null) as Json
}
