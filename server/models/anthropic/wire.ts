// The answers of servers that speak Anthropic's messages, or nearly do. Every field that is read stands here. Each may be
// missing, null or of another kind.
import { z } from 'zod'
import { LenientCount, LenientText, lenient } from '../provider/lenient.ts'
import type { TokenUsage } from '../../ports/model.ts'

/** A block. It goes back as it came, with the fields that are not read. */
export type WireBlock = z.infer<typeof WireBlock>
const WireBlock = z.looseObject({
  type: z.string(),
  text: LenientText,
  thinking: LenientText,
  id: LenientText,
  name: LenientText,
})

const Usage = lenient(
  z.object({
    input_tokens: LenientCount,
    cache_creation_input_tokens: LenientCount,
    cache_read_input_tokens: LenientCount,
    output_tokens: LenientCount,
    output_tokens_details: lenient(z.object({ thinking_tokens: LenientCount })),
  }),
)
export type WireUsage = NonNullable<z.infer<typeof Usage>>

const Delta = lenient(
  z.object({
    type: LenientText,
    text: LenientText,
    thinking: LenientText,
    signature: LenientText,
    partial_json: LenientText,
    citation: z.unknown().optional(),
    stop_reason: LenientText,
  }),
)

export type MessageEvent = z.infer<typeof MessageEvent>
export const MessageEvent = z
  .object({
    type: LenientText,
    index: lenient(z.coerce.number().int()),
    message: lenient(z.object({ usage: Usage })),
    content_block: lenient(WireBlock),
    delta: Delta,
    usage: Usage,
    error: lenient(z.object({ type: LenientText, message: LenientText })),
    /** Of a whole message, from a server that does not stream. */
    content: lenient(z.array(lenient(WireBlock))),
    stop_reason: LenientText,
  })
  .catch({
    type: undefined,
    index: undefined,
    message: undefined,
    content_block: undefined,
    delta: undefined,
    usage: undefined,
    error: undefined,
    content: undefined,
    stop_reason: undefined,
  })

/** Counts only grow: a server that has one of them at the beginning has 0 for it at the end, or the other way round. */
export function withUsage(known: WireUsage | undefined, said: WireUsage | undefined): WireUsage | undefined {
  if (known === undefined || said === undefined) return said ?? known
  const larger = (field: Exclude<keyof WireUsage, 'output_tokens_details'>) =>
    Math.max(known[field] ?? 0, said[field] ?? 0)
  return {
    input_tokens: larger('input_tokens'),
    cache_creation_input_tokens: larger('cache_creation_input_tokens'),
    cache_read_input_tokens: larger('cache_read_input_tokens'),
    output_tokens: larger('output_tokens'),
    output_tokens_details: said.output_tokens_details ?? known.output_tokens_details,
  }
}

/** What was read from or written to the prompt cache is not in `input_tokens`. */
export function toUsage(usage: WireUsage | undefined): TokenUsage {
  const written = usage?.cache_creation_input_tokens ?? 0
  const cached = usage?.cache_read_input_tokens ?? 0
  const reasoning = usage?.output_tokens_details?.thinking_tokens
  return {
    inputTokens: (usage?.input_tokens ?? 0) + written + cached,
    outputTokens: usage?.output_tokens ?? 0,
    ...(cached > 0 ? { cachedInputTokens: cached } : {}),
    ...(written > 0 ? { cacheWriteInputTokens: written } : {}),
    ...(reasoning === undefined ? {} : { reasoningTokens: reasoning }),
  }
}
