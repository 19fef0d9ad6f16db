// A message with files, shown while these are uploaded.
import type { Message } from '../server/contract/message.ts'
import type { FilePart } from '../server/contract/message-part.ts'
import type { CallOptions } from './agent-client.ts'
import { fileNameOf } from './file-name.ts'
import type { UploadAllOptions } from './upload-all.ts'

/** The progress of a message's files. A file counts when it is uploaded, because `fetch` does not tell how much it has sent. */
export interface Upload {
  readonly uploadedBytes: number
  readonly totalBytes: number
}

interface WithFilesOptions extends CallOptions {
  blobs: readonly Blob[]
  /** Called before the first upload and after each. A file that is not uploaded yet has no `fileId`. */
  onProgress(messages: readonly Message[], upload: Upload): void
}

/** @returns the messages, the last one with all files. */
export async function withFiles(
  uploadAll: (options: UploadAllOptions) => Promise<void>,
  messages: readonly Message[],
  { blobs, onProgress, ...options }: WithFilesOptions,
): Promise<Message[]> {
  const parts: FilePart[] = blobs.map((blob) => ({ type: 'file', filename: fileNameOf(blob) }))
  const totalBytes = blobs.reduce((sum, { size }) => sum + size, 0)
  let uploadedBytes = 0
  const show = () => onProgress(withParts(messages, parts), { uploadedBytes, totalBytes })
  show()
  await uploadAll({
    ...options,
    blobs,
    onUploaded(at, part, { size }) {
      parts[at] = part
      uploadedBytes += size
      show()
    },
  })
  return withParts(messages, parts)
}

function withParts(messages: readonly Message[], parts: readonly FilePart[]): Message[] {
  const last = messages.at(-1) ?? { role: 'user', content: '' }
  const said =
    typeof last.content === 'string' ? [{ type: 'text', text: last.content }] : (last.content ?? [])
  const content = [...said.filter((part) => !('text' in part) || part.text !== ''), ...parts]
  return [...messages.slice(0, -1), { ...last, content } as Message]
}
