import type { FileLabel, ListFilesInput, StoredFile } from '../../contract/file.ts'
import type { Page, PageCursor } from '../../contract/page.ts'
import type { Owner, Reach } from '../owner.ts'

export interface NewFile extends FileLabel {
  id: string
  owner: Owner
}

export interface UploadBounds {
  /** Of one file. */
  maxBytes: number
  /** Of all files of an owner together; null for no limit. */
  maxOwnerBytes: number | null
  /** After this time an unfinished upload counts as given up. */
  expiresInMs: number
}

/**
 * `begun`: it may have so many bytes.
 * `full`: its owner has as many bytes as one may.
 * `session-over`: a user has claimed the session of the visitor it is for.
 */
export type BegunUpload = { kind: 'begun'; maxBytes: number } | { kind: 'full' } | { kind: 'session-over' }

/** The rows of files: which there are, and whose. */
export interface FileStore {
  beginUpload(file: NewFile, bounds: UploadBounds): Promise<BegunUpload>
  /** @returns null when it was deleted, or took too long: then it is not there. */
  endUpload(
    fileId: string,
    written: { size: number; sha256: Buffer; expiresInMs: number },
  ): Promise<StoredFile | null>
  getFile(reach: Reach, fileId: string): Promise<StoredFile | null>
  /** Of an owner's files those that are named. */
  findFiles(owner: Owner, fileIds: readonly string[]): Promise<StoredFile[]>
  /** Of the files of whose a run is those that are named. */
  findFilesOfRun(runId: string, fileIds: readonly string[]): Promise<StoredFile[]>
  listFiles(
    reach: Reach,
    filter: { limit: ListFilesInput['limit'] },
    cursor: PageCursor | null,
  ): Promise<Page<StoredFile>>
  /** From then on it is not there for anybody. @returns false where it was not, or is not the owner's. */
  expireFile(owner: Owner, fileId: string): Promise<boolean>
  /** The same for files of an upload that came to nothing, as far as no message names them. @returns which. */
  abandonFiles(fileIds: readonly string[]): Promise<string[]>
  /** Some of those that are not there for anybody any more. */
  findExpiredFiles(): Promise<string[]>
  /** Forgets files whose bytes were removed. */
  forgetFiles(fileIds: readonly string[]): Promise<void>
}
