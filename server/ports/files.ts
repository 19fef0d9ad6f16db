/** A range of bytes from `start` to `end`, without `end`. */
export interface ByteRange {
  start: number
  end: number
}

/**
 * Keeps the bytes of files under their ids. The store knows which files there are, whose they are and how large. Its row of a
 * file is there before the first byte is written here, and until the last is removed. An adapter holds one piece of a file
 * in memory, and no connection to the database while it waits for a client.
 */
export interface Files {
  /** Stores each piece before it takes the next. Rejects with the error of `bytes`, after which {@link remove} is called. */
  write(fileId: string, bytes: AsyncIterable<Uint8Array>): Promise<void>
  /** Reads as far as somebody takes it. Throws {@link FileGone} where the bytes are not, or no longer, there. */
  read(fileId: string, range: ByteRange): AsyncIterable<Uint8Array>
  /** Removes files, also incomplete ones. A file that is not there is no error. */
  remove(fileIds: readonly string[]): Promise<void>
}

/** A file's bytes are not there, since it was deleted. */
export class FileGone extends Error {
  override readonly name = 'FileGone'
}
