// The answers of servers that speak chat completions, or nearly do. Every field that is read stands here. Each may be
// missing, null or of another kind.
import { z } from 'zod'
import { LenientAmount, LenientCount, LenientText, lenient } from '../provider/lenient.ts'
import type { TokenUsage } from '../../ports/model.ts'

/** A piece of a tool call. What it has beside these fields is the server's own, and goes back to it. */
export type CallPiece = z.infer<typeof CallPiece>
export const CallPiece = z.looseObject({
  index: lenient(z.coerce.number().int()),
  id: LenientText,
  function: lenient(z.object({ name: LenientText, arguments: z.unknown().optional() })),
})

/** Text, or parts of it; Mistral has what it thought among them. */
const Content = z
  .union([
    z.string().transform((text) => ({ text, reasoning: '' })),
    z.array(z.unknown()).transform((parts) => ({
      text: parts.map((part) => ContentPart.parse(part).text).join(''),
      reasoning: parts.map((part) => ContentPart.parse(part).reasoning).join(''),
    })),
  ])
  .catch({ text: '', reasoning: '' })
const ContentPart = z
  .union([
    z.string().transform((text) => ({ text, reasoning: '' })),
    z
      .object({ thinking: z.union([z.string(), z.array(z.object({ text: LenientText }))]) })
      .transform(({ thinking }) => ({
        text: '',
        reasoning: typeof thinking === 'string' ? thinking : thinking.map(({ text }) => text ?? '').join(''),
      })),
    z.object({ text: z.string() }).transform(({ text }) => ({ text, reasoning: '' })),
    z.object({ refusal: z.string() }).transform(({ refusal }) => ({ text: refusal, reasoning: '' })),
  ])
  .catch({ text: '', reasoning: '' })

/** OpenAI streams no reasoning here. Others do, under these names; the first that says something counts. */
const REASONING_FIELDS = ['reasoning_content', 'reasoning', 'reasoning_text', 'thinking'] as const

const Delta = z.looseObject({
  content: Content,
  refusal: LenientText,
  reasoning_content: LenientText,
  reasoning: LenientText,
  reasoning_text: LenientText,
  thinking: LenientText,
  tool_calls: lenient(z.array(lenient(CallPiece))),
  function_call: lenient(z.object({ name: LenientText, arguments: z.unknown().optional() })),
})
export type Delta = z.infer<typeof Delta>

const Usage = lenient(
  z.object({
    prompt_tokens: LenientCount,
    completion_tokens: LenientCount,
    input_tokens: LenientCount,
    output_tokens: LenientCount,
    prompt_cache_hit_tokens: LenientCount,
    /** Of routers such as OpenRouter. */
    cost: LenientAmount,
    prompt_tokens_details: lenient(
      z.object({ cached_tokens: LenientCount, cache_write_tokens: LenientCount }),
    ),
    completion_tokens_details: lenient(z.object({ reasoning_tokens: LenientCount })),
  }),
)

const Choice = z.object({
  delta: lenient(Delta),
  /** Of a server that does not stream. */
  message: lenient(Delta),
  finish_reason: LenientText,
  usage: Usage,
})

/** An error in place of a chunk, in the forms that servers have for it. */
const StreamedError = z.object({
  message: LenientText,
  type: LenientText,
  code: lenient(z.union([z.string(), z.number()])),
})
export type StreamedError = z.infer<typeof StreamedError>
const ErrorField = lenient(
  z.union([z.string().transform((message) => StreamedError.parse({ message })), StreamedError]),
)

export type ChatChunk = z.infer<typeof ChatChunk>
export const ChatChunk = z
  .looseObject({
    choices: lenient(z.array(lenient(Choice))),
    usage: Usage,
    x_groq: lenient(z.object({ usage: Usage })),
    error: ErrorField,
    object: LenientText,
  })
  .transform(({ choices = [], usage, x_groq, error, object, ...rest }) => {
    const choice = choices.find((each) => each !== undefined)
    return {
      choice,
      usage: usage ?? choice?.usage ?? x_groq?.usage,
      error: error ?? (object === 'error' ? StreamedError.parse(rest) : undefined),
    }
  })
  .catch({ choice: undefined, usage: undefined, error: undefined })

export function reasoningOf(delta: Delta): string {
  const named = REASONING_FIELDS.map((field) => delta[field]).find((text) => text)
  return named ?? delta.content.reasoning
}

/** A count in a later part of the stream replaces an earlier one. */
export function withUsage(known: TokenUsage, said: NonNullable<z.infer<typeof Usage>>): TokenUsage {
  const cached = said.prompt_tokens_details?.cached_tokens ?? said.prompt_cache_hit_tokens
  const written = said.prompt_tokens_details?.cache_write_tokens
  const reasoning = said.completion_tokens_details?.reasoning_tokens
  return {
    ...known,
    inputTokens: said.prompt_tokens ?? said.input_tokens ?? known.inputTokens,
    outputTokens: said.completion_tokens ?? said.output_tokens ?? known.outputTokens,
    ...(cached === undefined ? {} : { cachedInputTokens: cached }),
    ...(written === undefined || written === 0 ? {} : { cacheWriteInputTokens: written }),
    ...(reasoning === undefined ? {} : { reasoningTokens: reasoning }),
    ...(said.cost === undefined ? {} : { cost: said.cost }),
  }
}
