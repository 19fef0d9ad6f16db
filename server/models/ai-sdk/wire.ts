// What models of the AI SDK stream. Providers are written by many: each field that is read stands here, and each may be missing
// or of another kind. Nothing of the SDK is imported, so that no version of it is in the package's types.
import { z } from 'zod'
import { LenientCount, LenientText, lenient } from '../provider/lenient.ts'
import type { TokenUsage } from '../../ports/model.ts'

const Metadata = lenient(z.record(z.string(), z.record(z.string(), z.json())))

export type StreamPart = z.infer<typeof StreamPart>
export const StreamPart = z
  .object({
    type: LenientText,
    id: LenientText,
    delta: LenientText,
    kind: LenientText,
    toolCallId: LenientText,
    toolName: LenientText,
    input: z.unknown().optional(),
    result: z.unknown().optional(),
    isError: lenient(z.boolean()),
    preliminary: lenient(z.boolean()),
    providerExecuted: lenient(z.boolean()),
    mediaType: LenientText,
    data: z.unknown().optional(),
    finishReason: lenient(
      z.union([
        z.string().transform((unified) => ({ unified, raw: undefined })),
        z.object({ unified: LenientText, raw: LenientText }),
      ]),
    ),
    usage: z.unknown().optional(),
    providerMetadata: Metadata,
    error: z.unknown().optional(),
  })
  .catch({ type: undefined } as never)

const Counts = lenient(
  z.object({
    inputTokens: lenient(
      z.object({
        total: LenientCount,
        noCache: LenientCount,
        cacheRead: LenientCount,
        cacheWrite: LenientCount,
      }),
    ),
    outputTokens: lenient(z.object({ total: LenientCount, text: LenientCount, reasoning: LenientCount })),
  }),
)

export function toUsage(usage: unknown): TokenUsage {
  const { inputTokens: read, outputTokens: said } = Counts.parse(usage) ?? {}
  const { cacheRead, cacheWrite } = read ?? {}
  const { reasoning } = said ?? {}
  return {
    inputTokens: read?.total ?? (read?.noCache ?? 0) + (cacheRead ?? 0) + (cacheWrite ?? 0),
    outputTokens: said?.total ?? (said?.text ?? 0) + (reasoning ?? 0),
    ...(cacheRead === undefined ? {} : { cachedInputTokens: cacheRead }),
    ...(cacheWrite === undefined ? {} : { cacheWriteInputTokens: cacheWrite }),
    ...(reasoning === undefined ? {} : { reasoningTokens: reasoning }),
  }
}
