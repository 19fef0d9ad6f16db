// Files have HTTP routes beside the procedures, so that their bytes are sent unchanged.
import { TRPCClientError } from '@trpc/client'
import type { StoredFile } from '../server/contract/file.ts'
import type { CallOptions } from './agent-client.ts'
import { resolveHeaders } from './links.ts'
import type { HeadersOption } from './links.ts'
import { toForm } from './to-form.ts'
import { uploadAll } from './upload-all.ts'

export interface FileRoutes {
  /** Where the files are. */
  path: string
  headers: HeadersOption | undefined
  fetch: typeof globalThis.fetch
}

export type CreatedFileRoutes = ReturnType<typeof createFileRoutes>
export function createFileRoutes({ path, headers, fetch }: FileRoutes) {
  async function ask(url: string, init: RequestInit): Promise<Response> {
    const answer = await fetch(url, { ...init, headers: await resolveHeaders(headers) })
    if (answer.ok) return answer
    const { status: httpStatus } = answer
    // A proxy may refuse the request with a body of its own.
    const told = () => ({ error: { code: -1, message: `HTTP ${httpStatus}`, data: { httpStatus } } })
    throw TRPCClientError.from((await answer.json().catch(told)) as object)
  }

  return {
    async upload(file: Blob, name: string, options: CallOptions): Promise<StoredFile> {
      const answer = await ask(path, { method: 'POST', body: toForm(file, name), ...options })
      const { files } = (await answer.json()) as { files: [StoredFile] }
      return files[0]
    },
    download: async (url: string, options: CallOptions): Promise<Blob> => (await ask(url, options)).blob(),
    uploadAll,
  }
}
