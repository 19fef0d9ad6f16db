import type { FileLabel, ListFilesInput, StoredFile } from '../../contract/file.ts'
import type { Page, PageCursor } from '../../contract/page.ts'
import type { Owner, Reach } from '../owner.ts'

export interface NewFile extends FileLabel {
  id: string
  owner: Owner
}

export interface UploadBounds {
  /** Limit for one file. */
  maxBytes: number
  /** Limit for all files of an owner together; null for no limit. */
  maxOwnerBytes: number | null
  /** After this time an unfinished upload counts as abandoned. */
  expiresInMs: number
}

/**
 * `begun`: the file may have up to `maxBytes`.
 * `full`: its owner has no bytes left of its limit.
 * `session-over`: a user has claimed the session of the visitor it is for.
 */
export type BegunUpload = { kind: 'begun'; maxBytes: number } | { kind: 'full' } | { kind: 'session-over' }

/** The rows of files: which files exist, and their owners. */
export interface FileStore {
  beginUpload(file: NewFile, bounds: UploadBounds): Promise<BegunUpload>
  /** @returns null when the file was deleted meanwhile or the upload took too long: then the file does not exist. */
  endUpload(
    fileId: string,
    written: { size: number; sha256: Buffer; expiresInMs: number },
  ): Promise<StoredFile | null>
  getFile(reach: Reach, fileId: string): Promise<StoredFile | null>
  /** Those of these files that are the owner's. */
  findFiles(owner: Owner, fileIds: readonly string[]): Promise<StoredFile[]>
  /** Those of these files that belong to the run's owner. */
  findFilesOfRun(runId: string, fileIds: readonly string[]): Promise<StoredFile[]>
  listFiles(
    reach: Reach,
    filter: { limit: ListFilesInput['limit'] },
    cursor: PageCursor | null,
  ): Promise<Page<StoredFile>>
  /** Makes the file invisible to everybody. @returns false when it does not exist, or is not the owner's. */
  expireFile(owner: Owner, fileId: string): Promise<boolean>
  /**
   * As `expireFile`, for files of an upload that failed, unless a message names them. @returns the ids of those that
   * expired.
   */
  abandonFiles(fileIds: readonly string[]): Promise<string[]>
  /** Ids of some files that are expired: their bytes are to be removed. */
  findExpiredFiles(): Promise<string[]>
  /** Deletes the rows of files whose bytes were removed. */
  forgetFiles(fileIds: readonly string[]): Promise<void>
}
