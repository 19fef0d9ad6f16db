import type { AgentClient, CallOptions } from '../client/agent-client.ts'
import type { Message } from '../server/contract/message.ts'
import type { FilePart } from '../server/contract/message-part.ts'

/** The messages with files in the last one. They are uploaded first; where one can't be, none of them stays. */
export async function withFiles(
  { files }: Pick<AgentClient, 'files'>,
  messages: readonly Message[],
  { blobs, ...options }: { blobs: readonly Blob[] } & CallOptions,
): Promise<Message[]> {
  if (blobs.length === 0) return [...messages]
  const parts: (FilePart & { fileId: string })[] = []
  try {
    // One after the other: a failure leaves no upload under way behind.
    for (const blob of blobs) {
      const { id, name } = await files.upload(blob, options)
      parts.push({ type: 'file', fileId: id, ...(name !== null && { filename: name }) })
    }
  } catch (error) {
    // Not waited for. Those that cannot be deleted now the server deletes later, since no message names them.
    for (const { fileId } of parts) void files.delete(fileId).catch(() => {})
    throw error
  }
  const last = messages.at(-1) ?? { role: 'user', content: '' }
  const text = typeof last.content === 'string' ? last.content : ''
  const content = [
    ...(text === '' ? [] : [{ type: 'text', text }]),
    ...(Array.isArray(last.content) ? last.content : []),
    ...parts,
  ]
  return [...messages.slice(0, -1), { ...last, content } as Message]
}
