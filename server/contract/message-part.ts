import { z } from 'zod'

/** Where bytes are: `https:`, which whoever reads the message fetches, or `data:` with the bytes themselves in base64. */
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
  /** How closely the model is to look, where it can be told. */
  detail: z.enum(['auto', 'low', 'high']).optional(),
})

export type AudioPart = z.infer<typeof AudioPart>
export const AudioPart = z.object({ type: z.literal('audio'), url: BytesUrl })

export type FilePart = z.infer<typeof FilePart>
export const FilePart = z
  .object({
    type: z.literal('file'),
    url: BytesUrl.optional(),
    /** A UUID: a file that was uploaded here, and is the caller's. Otherwise one that the model's provider has, by its name there. */
    fileId: z.string().min(1).optional(),
    filename: z.string().min(1).optional(),
  })
  .refine(
    ({ url, fileId }) => (url === undefined) !== (fileId === undefined),
    'expected either url or fileId',
  )

/** What a model thought. No provider is sent it: what one needs back it gets as it gave it. */
export type ReasoningPart = z.infer<typeof ReasoningPart>
export const ReasoningPart = z.object({ type: z.literal('reasoning'), text: z.string() })

/** What a model said in place of an answer. */
export type RefusalPart = z.infer<typeof RefusalPart>
export const RefusalPart = z.object({ type: z.literal('refusal'), text: z.string() })

/** A piece of what a message says. Text alone can be a string. */
export type Part = TextPart | ImagePart | AudioPart | FilePart | ReasoningPart | RefusalPart

const OR_PARTS = { error: 'expected text, or a list of parts' }

/** What instructions are made of. */
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
