/** From `start` up to, not including, `end`, in bytes. */
export interface ByteRange {
  start: number
  end: number
}

/**
 * Keeps the bytes of files under their ids. Which files there are, whose they are and how large, the store knows: it has a row of
 * a file before its first byte is written here, and until its last is removed. An adapter holds no more of a file in memory than
 * a piece, and nothing of the database while it waits for somebody else.
 */
export interface Files {
  /** Takes the next piece when it has kept the one before. Rejects with what `bytes` throws: then {@link remove} is called. */
  write(fileId: string, bytes: AsyncIterable<Uint8Array>): Promise<void>
  /** Reads as far as somebody takes it. Throws {@link FileGone} where the bytes are not, or no longer, there. */
  read(fileId: string, range: ByteRange): AsyncIterable<Uint8Array>
  /** Whatever there is of them, also of those that were never written to their end. Those that are not there are no error. */
  remove(fileIds: readonly string[]): Promise<void>
}

/** The bytes of a file are not there: it was deleted. */
export class FileGone extends Error {
  override readonly name = 'FileGone'
}
