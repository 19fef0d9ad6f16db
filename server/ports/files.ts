/** A range of bytes from `start` up to, not including, `end`. */
export interface ByteRange {
  start: number
  end: number
}

/**
 * Keeps the bytes of files under their ids. The store knows which files exist, their owners and their sizes. A file's
 * row is written before its first byte, and deleted after its last. An adapter holds one piece of a file in memory, and
 * no connection to the database while it waits for a client.
 */
export interface Files {
  /** Stores each piece before it takes the next. Rejects with the error of `bytes`, after which {@link remove} is called. */
  write(fileId: string, bytes: AsyncIterable<Uint8Array>): Promise<void>
  /** Reads only as much as the caller takes. Throws {@link FileGone} when the bytes do not exist, or no longer do. */
  read(fileId: string, range: ByteRange): AsyncIterable<Uint8Array>
  /** Removes files, even incomplete ones. A missing file is no error. */
  remove(fileIds: readonly string[]): Promise<void>
}

/** A file's bytes do not exist, because it was deleted. */
export class FileGone extends Error {
  override readonly name = 'FileGone'
}
