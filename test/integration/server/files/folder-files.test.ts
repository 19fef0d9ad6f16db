import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFolderFiles } from '../../../../server/folder/files.ts'
import { testFiles } from './conformance.ts'

testFiles(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'folder-files-'))
  return {
    files: createFolderFiles(folder),
    other: createFolderFiles(folder),
    prepare: async () => {},
    async count() {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true })
      return entries.filter((entry) => entry.isFile()).length
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
})
