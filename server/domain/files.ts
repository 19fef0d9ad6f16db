// Files that people upload, for messages to name.
import { createHash } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { FileId, FileLabel, ListFilesInput } from '../contract/file.ts'
import type { FileSummary, ListFilesRequest, StoredFile } from '../contract/file.ts'
import { decodeCursor } from '../contract/page.ts'
import type { Page } from '../contract/page.ts'
import { parseInput } from '../contract/parse-input.ts'
import { parsePrincipal } from '../contract/principal.ts'
import type { Principal } from '../contract/principal.ts'
import type { ByteRange, Files } from '../ports/files.ts'
import type { Logger } from '../ports/logger.ts'
import { ownerOf } from '../ports/owner.ts'
import type { FileStore } from '../ports/store/file-store.ts'
import type { Access } from './access.ts'
import { createFileTransfers } from './file-transfers.ts'
import { noSuchFile } from './no-such-file.ts'
import { sessionOver } from './session-over.ts'

/** A file and its bytes. */
export interface OpenedFile {
  file: StoredFile
  /**
   * Its bytes, or a range of them, read only as they are taken, at the pace of `fileBytesPerSecond`. Throws when the
   * file is deleted meanwhile.
   */
  read(range?: ByteRange): AsyncIterable<Uint8Array>
}

/** The use cases of files; see {@link Runs} on who may see what. */
export interface UploadedFiles {
  /**
   * Stores a file. It is deleted after `unusedFileHours` unless a message names it. Each chunk is stored before the
   * next one is taken.
   *
   * @throws AgentRuntimeError `payload_too_large` when there are more than `maxFileBytes`, or more than the caller has
   * room for (`principalFileBytes`); and any error of `bytes`. Then nothing of the file is kept.
   * @example
   * const { id } = await runtime.files.upload(user, { name: 'cat.png', mediaType: 'image/png' }, createReadStream('cat.png'))
   */
  upload(
    principal: Principal,
    label: { name?: string | null; mediaType?: string },
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<StoredFile>
  get(principal: Principal, fileId: string): Promise<StoredFile>
  open(principal: Principal, fileId: string): Promise<OpenedFile>
  list(principal: Principal, input: ListFilesRequest): Promise<Page<StoredFile>>
  /** Deletes a file, even if messages name it. Agents are then told that it is gone. */
  delete(principal: Principal, fileId: string): Promise<void>
}

/** The runtime's own work with files. */
export interface FileUpkeep {
  /** Drops files that were uploaded for a refused request. Never rejects. */
  discard(files: readonly StoredFile[]): Promise<void>
  /** Removes the bytes of all expired files. */
  sweep(): Promise<void>
  /** As `sweep`, but never rejects: a later sweep removes the rest. */
  tidy(): Promise<void>
}

interface FilePorts {
  store: FileStore
  files: Files
  access: Access
  log: Logger
}

interface FileSettings {
  maxFileBytes: number
  /** The limit for all files of an owner together; false for no limit. */
  principalFileBytes: number | false
  unusedMs: number
  /** The limit for all transfers together; false for no limit. */
  fileBytesPerSecond: number | false
}

/** As long as Node's server lets a request take. */
export const MAX_UPLOAD_MS = 300_000
/** After this time no process can still be writing to an upload. */
const UPLOAD_EXPIRES_MS = MAX_UPLOAD_MS + 60_000

// oxlint-disable-next-line max-lines-per-function -- A list of use cases, closures over the same ports.
export function createUploadedFiles(
  { store, files, access, log }: FilePorts,
  { maxFileBytes, principalFileBytes, unusedMs, fileBytesPerSecond }: FileSettings,
): UploadedFiles & FileUpkeep {
  const { incoming, outgoing } = createFileTransfers(fileBytesPerSecond)

  async function get(caller: Principal, id: string): Promise<StoredFile> {
    const reach = await access.reach(caller, 'file')
    const file = reach && (await store.getFile(reach, id))
    if (file === null) throw noSuchFile(id)
    return file
  }

  async function begin(owner: Principal, label: FileLabel): Promise<{ id: string; maxBytes: number }> {
    const id = uuidv7()
    const begun = await store.beginUpload(
      { id, owner: ownerOf(owner), ...label },
      {
        maxBytes: maxFileBytes,
        // All unauthenticated callers are one public principal, so a limit per owner makes no sense.
        maxOwnerBytes: owner.kind === 'public' || principalFileBytes === false ? null : principalFileBytes,
        expiresInMs: UPLOAD_EXPIRES_MS,
      },
    )
    switch (begun.kind) {
      case 'begun':
        return { id, maxBytes: begun.maxBytes }
      case 'full':
        throw full()
      case 'session-over':
        throw sessionOver()
    }
  }

  /** Removes unfinished or unused uploads. If that fails, a sweep does it later. */
  async function abandon(fileIds: readonly string[]): Promise<void> {
    try {
      const abandoned = await store.abandonFiles(fileIds)
      await files.remove(abandoned)
      await store.forgetFiles(abandoned)
    } catch (error) {
      log.warn({ err: error, fileIds }, 'an abandoned upload could not be removed; a sweep removes it later')
    }
  }

  async function sweep(): Promise<void> {
    for (;;) {
      const expired = await store.findExpiredFiles()
      if (expired.length === 0) return
      await files.remove(expired)
      await store.forgetFiles(expired)
    }
  }

  async function tidy(): Promise<void> {
    await sweep().catch((error: unknown) =>
      log.warn({ err: error }, 'removing deleted files failed; a sweep removes them later'),
    )
  }

  return {
    async upload(principal, given, bytes) {
      const owner = parsePrincipal(principal)
      const label = parseInput(FileLabel, given)
      await access.assertMay(owner, 'create', { kind: 'file', agentKey: null, ...label })
      const { id, maxBytes } = await begin(owner, label)
      try {
        const hash = createHash('sha256')
        let size = 0
        await files.write(
          id,
          (async function* () {
            for await (const chunk of incoming(owner, bytes)) {
              size += chunk.length
              if (size > maxFileBytes) throw tooLarge(maxFileBytes)
              if (size > maxBytes) throw full()
              hash.update(chunk)
              yield chunk
            }
          })(),
        )
        const file = await store.endUpload(id, { size, sha256: hash.digest(), expiresInMs: unusedMs })
        // All data of the owner was deleted meanwhile, or the upload took too long.
        if (file === null) throw noSuchFile(id)
        return file
      } catch (error) {
        await abandon([id])
        throw error
      }
    },

    async get(principal, fileId) {
      return get(parsePrincipal(principal), parseInput(FileId, fileId))
    },

    async open(principal, fileId) {
      const caller = parsePrincipal(principal)
      const file = await get(caller, parseInput(FileId, fileId))
      return {
        file,
        read: (range = { start: 0, end: file.size }) => outgoing(caller, files.read(file.id, range)),
      }
    },

    async list(principal, request) {
      const caller = parsePrincipal(principal)
      const { cursor, scope, limit } = parseInput(ListFilesInput, request)
      const reach = await access.reachWithin(caller, 'file', scope)
      return store.listFiles(reach, { limit }, cursor === undefined ? null : decodeCursor(cursor))
    },

    async delete(principal, fileId) {
      const caller = parsePrincipal(principal)
      const id = parseInput(FileId, fileId)
      const file = access.isAsked ? await get(caller, id) : undefined
      if (file !== undefined)
        await access.assertMay(caller, 'delete', { kind: 'file', file: summaryOf(file) })
      const owner = file?.owner ?? caller
      if (!(await store.expireFile(owner, id))) throw noSuchFile(id)
      log.info({ fileId: id, by: ownerOf(caller), owner: ownerOf(owner) }, 'a file was deleted')
      await tidy()
    },

    discard: (uploaded) => abandon(uploaded.map(({ id }) => id)),
    sweep,
    tidy,
  }
}

function summaryOf({ id, owner, name, mediaType, size }: StoredFile): FileSummary {
  return { id, owner, name, mediaType, size }
}

function tooLarge(maxFileBytes: number): AgentRuntimeError {
  return new AgentRuntimeError(
    'payload_too_large',
    `A file is larger than the ${maxFileBytes} bytes allowed.`,
    {
      details: { maxFileBytes },
    },
  )
}

function full(): AgentRuntimeError {
  return new AgentRuntimeError(
    'payload_too_large',
    'You have no room for this file. Delete some of your files first.',
  )
}
