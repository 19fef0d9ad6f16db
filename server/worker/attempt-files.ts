import type { AgentFiles } from '../agent/agent-files.ts'
import { NonRetriableError } from '../agent/non-retriable-error.ts'
import { FileId } from '../contract/file.ts'
import type { StoredFile } from '../contract/file.ts'
import { FileGone } from '../ports/files.ts'
import type { Files } from '../ports/files.ts'
import type { FileStore } from '../ports/store/file-store.ts'

interface FilePorts {
  store: Pick<FileStore, 'findFilesOfRun'>
  files: Files
}

/** `ctx.files` of one attempt: the files of the run's owner. */
export function createAttemptFiles({ store, files }: FilePorts, runId: string): AgentFiles {
  async function get(fileId: string): Promise<StoredFile | null> {
    if (!FileId.safeParse(fileId).success) return null
    return (await store.findFilesOfRun(runId, [fileId]))[0] ?? null
  }

  async function* stream(fileId: string): AsyncGenerator<Uint8Array> {
    yield* contentOf(await find(fileId))
  }

  async function find(fileId: string): Promise<StoredFile> {
    const file = await get(fileId)
    if (file === null) throw gone(fileId)
    return file
  }

  async function* contentOf({ id, size }: StoredFile): AsyncGenerator<Uint8Array> {
    try {
      yield* files.read(id, { start: 0, end: size })
    } catch (error) {
      throw error instanceof FileGone ? gone(id, error) : error
    }
  }

  return {
    get,
    stream,
    async read(fileId) {
      const file = await find(fileId)
      const pieces: Uint8Array[] = []
      for await (const piece of contentOf(file)) pieces.push(piece)
      return { ...file, bytes: Buffer.concat(pieces) }
    },
  }
}

function gone(fileId: string, cause?: unknown): NonRetriableError {
  return new NonRetriableError(`There is no file ${fileId}: it was deleted, or is somebody else's.`, {
    cause,
  })
}
