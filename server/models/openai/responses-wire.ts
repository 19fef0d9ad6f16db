// The answers of servers that speak OpenAI's responses, or nearly do. Every field that is read stands here.
import { z } from 'zod'
import { LenientCount, LenientText, lenient } from '../provider/lenient.ts'
import type { TokenUsage } from '../../ports/model.ts'

const Part = z.looseObject({ text: LenientText, refusal: LenientText })

/** An item of an answer. It goes back as it came, with the fields that are not read. */
export type ResponseItem = z.infer<typeof ResponseItem>
export const ResponseItem = z.looseObject({
  type: z.string(),
  call_id: LenientText,
  name: LenientText,
  arguments: z.unknown().optional(),
  content: lenient(z.array(Part)),
})

const Failure = lenient(z.object({ code: LenientText, message: LenientText }))

const Whole = z.object({
  output: lenient(z.array(ResponseItem)),
  usage: lenient(
    z.object({
      input_tokens: LenientCount,
      output_tokens: LenientCount,
      input_tokens_details: lenient(
        z.object({ cached_tokens: LenientCount, cache_write_tokens: LenientCount }),
      ),
      output_tokens_details: lenient(z.object({ reasoning_tokens: LenientCount })),
    }),
  ),
  incomplete_details: lenient(z.object({ reason: LenientText })),
  error: Failure,
  status: LenientText,
})
export type WholeResponse = z.infer<typeof Whole>

export const ResponseEvent = z
  .object({
    type: LenientText,
    object: LenientText,
    output_index: LenientCount,
    delta: LenientText,
    item: lenient(ResponseItem),
    response: lenient(Whole),
    code: LenientText,
    message: LenientText,
    error: Failure,
  })
  .catch({
    type: undefined,
    object: undefined,
    output_index: undefined,
    delta: undefined,
    item: undefined,
    response: undefined,
    code: undefined,
    message: undefined,
    error: undefined,
  })

/** An answer that is no stream. */
export const toWhole = (value: unknown): WholeResponse | undefined => lenient(Whole).parse(value)

export function toUsage({ usage }: WholeResponse): TokenUsage {
  const cached = usage?.input_tokens_details?.cached_tokens
  const written = usage?.input_tokens_details?.cache_write_tokens
  const reasoning = usage?.output_tokens_details?.reasoning_tokens
  return {
    inputTokens: usage?.input_tokens ?? 0,
    outputTokens: usage?.output_tokens ?? 0,
    ...(cached === undefined ? {} : { cachedInputTokens: cached }),
    ...(written === undefined || written === 0 ? {} : { cacheWriteInputTokens: written }),
    ...(reasoning === undefined ? {} : { reasoningTokens: reasoning }),
  }
}
