// Uploads the files of a message one after the other.
import { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { FilePart } from '../server/contract/message-part.ts'
import type { AgentClient, CallOptions } from './agent-client.ts'
import { fileNameOf } from './file-name.ts'

export interface UploadAllOptions extends CallOptions {
  blobs: readonly Blob[]
  /** Called after each upload. */
  onUploaded(at: number, part: FilePart, blob: Blob): void
}

/** If an upload fails, no file stays. */
export async function uploadAll(
  files: AgentClient['files'],
  { blobs, onUploaded, ...options }: UploadAllOptions,
): Promise<void> {
  const fileIds: string[] = []
  try {
    // Upload one after the other, so that no upload is still under way when one fails.
    for (const [at, blob] of blobs.entries()) {
      const { id, name } = await files.upload(blob, options).catch((error: unknown) => {
        throw withName(error, fileNameOf(blob))
      })
      fileIds.push(id)
      onUploaded(at, { type: 'file', fileId: id, ...(name !== null && { filename: name }) }, blob)
    }
  } catch (error) {
    // Nobody waits for this. The server deletes the rest later, since no message names them.
    for (const fileId of fileIds) void files.delete(fileId).catch(() => {})
    throw error
  }
}

/** Adds the name of the file to an error. The reason of an abort stays as it is. */
function withName(error: unknown, file: string): unknown {
  if (!(error instanceof AgentRuntimeError)) return error
  const message = `"${file}" was not uploaded: ${error.message}`
  return new AgentRuntimeError(error.code, message, { details: { file }, cause: error })
}
