// Gives models the bytes of uploaded files, since no provider can fetch these.
import { FileId, filesIn } from '../contract/file.ts'
import type { StoredFile } from '../contract/file.ts'
import type { AgentMessage } from '../contract/message.ts'
import type { FilePart, Part } from '../contract/message-part.ts'
import type { AgentFiles } from './agent-files.ts'
import { NonRetriableError } from './non-retriable-error.ts'

/** The most bytes of files in one request, which providers take as base64. The newest files come first. */
const MAX_BYTES = 20 * 1024 * 1024

/** The same messages with the contents of uploaded files. A sentence stands in for a file that is not given. */
export async function withFileContents(
  messages: readonly AgentMessage[],
  files: Pick<AgentFiles, 'get' | 'read'>,
): Promise<readonly AgentMessage[]> {
  const parts = new Map<string, Part>()
  let left = MAX_BYTES
  for (const id of filesIn(messages).toReversed()) {
    const file = await files.get(id)
    if (file !== null && file.size > left) {
      parts.set(id, {
        type: 'text',
        text: `[The file ${called(file)} is left out: there are too many, or it is too large.]`,
      })
      continue
    }
    const part = file === null ? undefined : await read(file, files)
    if (part !== undefined) left -= file?.size ?? 0
    parts.set(id, part ?? { type: 'text', text: '[A file that was here has been deleted.]' })
  }
  return parts.size === 0 ? messages : messages.map((message) => replaced(message, parts))
}

function replaced(message: AgentMessage, parts: ReadonlyMap<string, Part>): AgentMessage {
  if (!Array.isArray(message.content)) return message
  const content = message.content.map((part) =>
    isUploaded(part) ? (parts.get(part.fileId.toLowerCase()) ?? part) : part,
  )
  return { ...message, content } as AgentMessage
}

function isUploaded(part: Part): part is FilePart & { fileId: string } {
  return part.type === 'file' && FileId.safeParse(part.fileId).success
}

async function read(file: StoredFile, files: Pick<AgentFiles, 'read'>): Promise<Part | undefined> {
  try {
    const { bytes } = await files.read(file.id)
    return toPart(file, Buffer.from(bytes).toString('base64'))
  } catch (error) {
    // Deleted between the look and the read.
    if (error instanceof NonRetriableError) return undefined
    throw error
  }
}

function toPart({ name, mediaType }: StoredFile, base64: string): Part {
  const [type = ''] = mediaType.split(';')
  const url = `data:${type};base64,${base64}`
  if (type.startsWith('image/')) return { type: 'image', url }
  if (type.startsWith('audio/')) return { type: 'audio', url }
  return { type: 'file', url, ...(name !== null && { filename: name }) }
}

const called = ({ name, id }: StoredFile) => (name === null ? id : `"${name}"`)
