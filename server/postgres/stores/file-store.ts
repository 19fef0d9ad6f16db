import type { FileStore } from '../../ports/store/file-store.ts'
import * as reads from '../prisma/reads.ts'
import * as files from '../statements/files.ts'
import type { StoreParts } from './store-parts.ts'

export function createFileStore({ pool }: Pick<StoreParts, 'pool'>): FileStore {
  return {
    beginUpload: (file, bounds) => files.beginUpload(pool, file, bounds),
    endUpload: (fileId, written) => files.endUpload(pool, fileId, written),
    getFile: (reach, fileId) => files.getFile(pool, reach, fileId),
    findFiles: (owner, fileIds) => files.findFiles(pool, owner, fileIds),
    findFilesOfRun: (runId, fileIds) => files.findFilesOfRun(pool, runId, fileIds),
    listFiles: (reach, { limit }, cursor) => reads.listFiles(pool, { reach, limit, cursor }),
    expireFile: (owner, fileId) => files.expireFile(pool, owner, fileId),
    abandonFiles: (fileIds) => files.abandonFiles(pool, fileIds),
    findExpiredFiles: () => files.findExpiredFiles(pool),
    forgetFiles: (fileIds) => files.forgetFiles(pool, fileIds),
  }
}
