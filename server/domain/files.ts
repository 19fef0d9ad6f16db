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
import type { FileTransferSettings } from './file-transfers.ts'
import { noSuchFile } from './no-such-file.ts'
import { sessionOver } from './session-over.ts'

/** A file, and what is in it. */
export interface OpenedFile {
  file: StoredFile
  /**
   * Its bytes, or some of them, as far as somebody takes them. From the first on it counts among `filesAtOnce`, until it
   * ends or is left. Throws when it is deleted meanwhile, and `rate_limited` or `unavailable` when too many are on their way.
   */
  read(range?: ByteRange): AsyncIterable<Uint8Array>
}

/** The use cases of files; see {@link Runs} on who may see what. */
export interface UploadedFiles {
  /**
   * Keeps a file, which is deleted after `unusedFileHours` unless a message names it. It takes the next bytes when it has kept those before.
   *
   * @throws AgentRuntimeError `payload_too_large` when there are more than `maxFileBytes`, or more than the caller has
   * room for (`principalFileBytes`); `rate_limited` or `unavailable` when too many are on their way; and what `bytes` throws.
   * Then nothing of it is left.
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
  /** Deletes a file, also one that messages name: agents are told that it is gone. */
  delete(principal: Principal, fileId: string): Promise<void>
}

/** What the runtime itself does with files. */
export interface FileUpkeep {
  /** Drops what was uploaded for a request that was refused. Never rejects. */
  discard(files: readonly StoredFile[]): Promise<void>
  /** Removes the bytes of all files that are there for nobody any more. */
  sweep(): Promise<void>
  /** The same, as far as that is possible. Never rejects: what it could not remove is swept later. */
  tidy(): Promise<void>
}

interface FilePorts {
  store: FileStore
  files: Files
  access: Access
  log: Logger
}

interface FileSettings extends FileTransferSettings {
  maxFileBytes: number
  /** Of all files of an owner together; false for no limit. */
  principalFileBytes: number | false
  unusedMs: number
}

/** As long as Node's server lets a request take. */
export const MAX_UPLOAD_MS = 300_000
/** By then nobody writes to an upload that is not over. */
const UPLOAD_EXPIRES_MS = MAX_UPLOAD_MS + 60_000

// oxlint-disable-next-line max-lines-per-function -- A list of use cases, closures over the same ports.
export function createUploadedFiles(
  { store, files, access, log }: FilePorts,
  { maxFileBytes, principalFileBytes, unusedMs, ...bounds }: FileSettings,
): UploadedFiles & FileUpkeep {
  const transfer = createFileTransfers(bounds)

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
        // Where nobody has to say who they are, all are the same one.
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

  /** Whatever was written of them. What can't be done now, a sweep does. */
  async function abandon(fileIds: readonly string[]): Promise<void> {
    try {
      const abandoned = await store.abandonFiles(fileIds)
      await files.remove(abandoned)
      await store.forgetFiles(abandoned)
    } catch (error) {
      log.warn({ err: error, fileIds }, 'what is left of an upload could not be removed; it is swept later')
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
    await sweep().catch((error: unknown) => log.warn({ err: error }, 'deleted files are removed later'))
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
            for await (const chunk of transfer(owner, bytes)) {
              size += chunk.length
              if (size > maxFileBytes) throw tooLarge(maxFileBytes)
              if (size > maxBytes) throw full()
              hash.update(chunk)
              yield chunk
            }
          })(),
        )
        const file = await store.endUpload(id, { size, sha256: hash.digest(), expiresInMs: unusedMs })
        // Somebody deleted all that is the owner's meanwhile, or it took too long.
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
        read: (range = { start: 0, end: file.size }) => transfer(caller, files.read(file.id, range)),
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
    'You have no room for that file: delete some that you have.',
  )
}
