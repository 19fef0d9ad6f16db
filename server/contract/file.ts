import { z } from 'zod'
import type { Message } from './message.ts'
import { pageLimit } from './page.ts'
import { Owner } from './principal.ts'
import { Scope } from './scope.ts'

export const FileId = z.uuid('a file id is a UUID')

/** A file that was uploaded. Times are ISO 8601 in UTC. */
export type StoredFile = z.infer<typeof StoredFile>
export const StoredFile = z.object({
  id: FileId,
  /** Who uploaded it, or who owns it since a claim. */
  owner: Owner,
  /** The name that the uploader gave; null if none. */
  name: z.string().nullable(),
  /** The media type that the uploader gave. */
  mediaType: z.string(),
  /** In bytes. */
  size: z.int(),
  /** SHA-256 of its bytes, in hexadecimal. */
  sha256: z.string(),
  createdAt: z.iso.datetime(),
  /** When it is deleted, unless a message names it before; null once a message does. */
  expiresAt: z.iso.datetime().nullable(),
})

/** A file without its contents. */
export type FileSummary = Pick<StoredFile, 'id' | 'owner' | 'name' | 'mediaType' | 'size'>

export const FileRef = z.object({ fileId: FileId })

/** The files to list, without the defaults. */
export type ListFilesRequest = z.input<typeof ListFilesInput>
export type ListFilesInput = z.infer<typeof ListFilesInput>
export const ListFilesInput = z.object({
  /** Whose: one's own, one's tenant's or anybody's, as far as `authorize` allows. Default: `own`. */
  scope: Scope.default('own'),
  limit: pageLimit(200, 50),
  cursor: z.string().optional(),
})

/** The name and media type of an upload. */
export type FileLabel = z.infer<typeof FileLabel>
export const FileLabel = z.object({
  name: z
    .string()
    .max(255)
    .refine(
      (text) => text.isWellFormed() && !text.includes('\0'),
      'a name must not contain U+0000 or half a surrogate pair',
    )
    .transform((text) => (text === '' ? null : text))
    .nullable()
    .default(null),
  mediaType: z
    .string()
    .max(255)
    .transform((text) => text.trim().toLowerCase())
    // An invalid media type is ignored.
    .transform((text) => (MEDIA_TYPE.test(text) ? text : UNKNOWN_TYPE))
    .default('application/octet-stream'),
})

const UNKNOWN_TYPE = 'application/octet-stream'
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:; ?charset="?[\w-]+"?)?$/

const isFileId = (text: string) => FileId.safeParse(text).success

/** The uploaded files that messages name. A `fileId` that is not a UUID is the provider's own. */
export function filesIn(messages: readonly Pick<Message, 'content'>[]): string[] {
  const ids = messages.flatMap(({ content }) =>
    typeof content === 'string' || content === null
      ? []
      : content.flatMap((part) => (part.type === 'file' && part.fileId !== undefined ? [part.fileId] : [])),
  )
  return [...new Set(ids.map((id) => id.toLowerCase()))].filter(isFileId)
}
