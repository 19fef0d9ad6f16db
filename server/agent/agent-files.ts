import type { StoredFile } from '../contract/file.ts'

/** What is in a file, and what it is. */
export interface FileContent extends StoredFile {
  bytes: Uint8Array
}

/** Files that were uploaded by whose the run is, such as those that its messages name. */
export interface AgentFiles {
  /** Null where there is none, or it was deleted. */
  get(fileId: string): Promise<StoredFile | null>
  /**
   * All of a file, in memory.
   *
   * @throws NonRetriableError where there is none, or it was deleted.
   * @example
   * const { name, bytes } = await ctx.files.read(part.fileId)
   */
  read(fileId: string): Promise<FileContent>
  /**
   * The same piece by piece, as it is taken.
   *
   * @example
   * for await (const piece of ctx.files.stream(part.fileId)) parser.write(piece)
   */
  stream(fileId: string): AsyncIterable<Uint8Array>
}
