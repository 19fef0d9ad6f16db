import { z } from 'zod'

/**
 * Where the bytes are: an `https:` address, which the reader of the message fetches, or a `data:` URL with
 * the bytes in base64.
 */
const BytesUrl = z
  .string()
  .regex(
    /^(?:https?:\/\/\S+|data:[\w!#$&^.+-]+\/[\w!#$&^.+-]+;base64,[\w+/]*={0,2})$/,
    'expected an http(s) URL, or a data URL with a media type and base64',
  )

export type TextPart = z.infer<typeof TextPart>
export const TextPart = z.object({ type: z.literal('text'), text: z.string() })

export type ImagePart = z.infer<typeof ImagePart>
export const ImagePart = z.object({
  type: z.literal('image'),
  url: BytesUrl,
  /** How closely the model shall look, if the provider has such an option. */
  detail: z.enum(['auto', 'low', 'high']).optional(),
})

export type AudioPart = z.infer<typeof AudioPart>
export const AudioPart = z.object({ type: z.literal('audio'), url: BytesUrl })

export type FilePart = z.infer<typeof FilePart>
export const FilePart = z
  .object({
    type: z.literal('file'),
    url: BytesUrl.optional(),
    /**
     * A UUID names an uploaded file of the caller. Any other text is the id of a file at the model's
     * provider.
     */
    fileId: z.string().min(1).optional(),
    filename: z.string().min(1).optional(),
  })
  .refine(
    ({ url, fileId }) => (url === undefined) !== (fileId === undefined),
    'expected either url or fileId',
  )

/**
 * A model's reasoning. It is not sent to providers; a provider that needs it back gets its own
 * `providerData`.
 */
export type ReasoningPart = z.infer<typeof ReasoningPart>
export const ReasoningPart = z.object({ type: z.literal('reasoning'), text: z.string() })

/** A model's refusal, instead of an answer. */
export type RefusalPart = z.infer<typeof RefusalPart>
export const RefusalPart = z.object({ type: z.literal('refusal'), text: z.string() })

/** A part of a message's content. Content that is only text can be a string. */
export type Part = TextPart | ImagePart | AudioPart | FilePart | ReasoningPart | RefusalPart

const OR_PARTS = { error: 'expected text, or a list of parts' }

/** The parts that instructions may have. */
export const TextContent = z.union([z.string(), z.array(TextPart).min(1)], OR_PARTS)
export const UserContent = z.union(
  [z.string(), z.array(z.discriminatedUnion('type', [TextPart, ImagePart, AudioPart, FilePart])).min(1)],
  OR_PARTS,
)
export const AssistantContent = z.union(
  [
    z.string(),
    z
      .array(
        z.discriminatedUnion('type', [TextPart, ReasoningPart, RefusalPart, ImagePart, AudioPart, FilePart]),
      )
      .min(1),
  ],
  OR_PARTS,
)
export const ToolContent = z.union(
  [z.string(), z.array(z.discriminatedUnion('type', [TextPart, ImagePart, FilePart])).min(1)],
  OR_PARTS,
)
