// Files in a folder, which several servers may share. Each is first written under a temporary name, so a file with its
// final name is complete.
import { createReadStream } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { FileGone } from '../ports/files.ts'
import type { Files } from '../ports/files.ts'

const PIECE_BYTES = 256 * 1024
const UNFINISHED = '.part'

/** @param folder is created if it does not exist. */
export function createFolderFiles(folder: string): Files {
  // Choose the subfolder by the id's end, which is random. Its beginning is a time, so new files would share one.
  const pathOf = (fileId: string) => join(folder, fileId.slice(-2), fileId)

  return {
    async write(fileId, bytes) {
      const path = pathOf(fileId)
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      await using file = await open(path + UNFINISHED, 'wx', 0o600)
      for await (const chunk of bytes) await file.writeFile(chunk)
      await file.sync()
      await rename(path + UNFINISHED, path)
    },

    async *read(fileId, { start, end }) {
      if (start >= end) return
      const stream = createReadStream(pathOf(fileId), { start, end: end - 1, highWaterMark: PIECE_BYTES })
      try {
        yield* stream as AsyncIterable<Buffer>
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        throw new FileGone(`The file ${fileId} no longer exists.`, { cause: error })
      }
    },

    async remove(fileIds) {
      for (const fileId of fileIds) {
        const path = pathOf(fileId)
        await Promise.all([path, path + UNFINISHED].map((one) => rm(one, { force: true })))
      }
    },
  }
}
