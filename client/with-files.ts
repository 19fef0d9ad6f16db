// Uploads the files of messages one after the other, and names them in the last message.
import { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { Message } from '../server/contract/message.ts'
import type { FilePart } from '../server/contract/message-part.ts'
import type { AgentClient, CallOptions } from './agent-client.ts'
import { fileNameOf } from './files.ts'

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

/** @returns the messages with all files. If an upload fails, no file stays. */
export async function withFiles(
  files: AgentClient['files'],
  messages: readonly Message[],
  { blobs, onProgress, ...options }: WithFilesOptions,
): Promise<Message[]> {
  const totalBytes = blobs.reduce((sum, { size }) => sum + size, 0)
  const parts: FilePart[] = blobs.map((blob) => ({ type: 'file', filename: fileNameOf(blob) }))
  let uploadedBytes = 0
  const show = () => onProgress(withParts(messages, parts), { uploadedBytes, totalBytes })
  show()
  try {
    // Upload one after the other, so that no upload is still under way when one fails.
    for (const [at, blob] of blobs.entries()) {
      const { id, name } = await files.upload(blob, options).catch((error: unknown) => {
        throw withName(error, fileNameOf(blob))
      })
      parts[at] = { type: 'file', fileId: id, ...(name !== null && { filename: name }) }
      uploadedBytes += blob.size
      show()
    }
  } catch (error) {
    // Nobody waits for this. The server deletes the rest later, since no message names them.
    for (const { fileId } of parts) if (fileId !== undefined) void files.delete(fileId).catch(() => {})
    throw error
  }
  return withParts(messages, parts)
}

function withParts(messages: readonly Message[], parts: readonly FilePart[]): Message[] {
  const last = messages.at(-1) ?? { role: 'user', content: '' }
  const said =
    typeof last.content === 'string' ? [{ type: 'text', text: last.content }] : (last.content ?? [])
  const content = [...said.filter((part) => !('text' in part) || part.text !== ''), ...parts]
  return [...messages.slice(0, -1), { ...last, content } as Message]
}

/** Adds the name of the file to an error. The reason of an abort stays as it is. */
function withName(error: unknown, file: string): unknown {
  if (!(error instanceof AgentRuntimeError)) return error
  const message = `"${file}" was not uploaded: ${error.message}`
  return new AgentRuntimeError(error.code, message, { details: { file }, cause: error })
}
