// The places where files are stored. Each test of what callers see runs with both.
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Settings } from '../../../../server/index.ts'
import type { Sql } from '../../../support/runtime.ts'

export interface Place extends AsyncDisposable {
  config: Settings
  /** How many pieces there are, of complete and incomplete files. */
  pieces(sql: Sql): Promise<number>
}

export const PLACES = [
  [
    'the database',
    async (): Promise<Place> => ({
      config: {},
      async pieces(sql) {
        const [row] = await sql<{ n: number }>('SELECT count(*)::int AS n FROM agent_runtime.file_chunk')
        return row?.n ?? NaN
      },
      async [Symbol.asyncDispose]() {},
    }),
  ],
  [
    'a folder',
    async (): Promise<Place> => {
      const parent = await mkdtemp(join(tmpdir(), 'files-'))
      // It is created when it is needed.
      const filesFolder = join(parent, 'kept')
      return {
        config: { filesFolder },
        async pieces() {
          if (!existsSync(filesFolder)) return 0
          const entries = await readdir(filesFolder, { recursive: true, withFileTypes: true })
          return entries.filter((entry) => entry.isFile()).length
        },
        [Symbol.asyncDispose]: () => rm(parent, { recursive: true, force: true }),
      }
    },
  ],
] as const

export async function rowsOf(sql: Sql): Promise<number> {
  const [row] = await sql<{ n: number }>('SELECT count(*)::int AS n FROM agent_runtime.file')
  return row?.n ?? NaN
}

export function form(
  fields: Record<string, string>,
  ...files: [name: string, type: string, body: BlobPart][]
): FormData {
  const data = new FormData()
  for (const [name, value] of Object.entries(fields)) data.append(name, value)
  for (const [name, type, body] of files) data.append('files', new File([body], name, { type }))
  return data
}
