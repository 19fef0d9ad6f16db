// Files have HTTP routes beside the procedures, so that their bytes are sent unchanged.
import { TRPCClientError } from '@trpc/client'
import type { TRPCClient } from '@trpc/client'
import type { AgentRouter } from '../server/api/router.ts'
import type { StoredFile } from '../server/contract/file.ts'
import type { AgentClient } from './agent-client.ts'
import { resolveHeaders } from './links.ts'
import type { HeadersOption } from './links.ts'
import { loadedOnce } from './late.ts'
import { ask, call } from './ask.ts'

interface FileRoutes {
  /** Where the tRPC router is mounted. */
  url: string
  headers: HeadersOption | undefined
  fetch: typeof globalThis.fetch
}

export function createFiles(trpc: TRPCClient<AgentRouter>, routes: FileRoutes): AgentClient['files'] {
  const path = `${routes.url}/files`
  const urlOf = (fileId: string) => `${path}/${encodeURIComponent(fileId)}`

  async function askRoute(url: string, init: RequestInit): Promise<Response> {
    const answer = await routes.fetch(url, { ...init, headers: await resolveHeaders(routes.headers) })
    if (answer.ok) return answer
    const { status: httpStatus } = answer
    // A proxy may refuse the request with a body of its own.
    const told = () => ({ error: { code: -1, message: `HTTP ${httpStatus}`, data: { httpStatus } } })
    throw TRPCClientError.from((await answer.json().catch(told)) as object)
  }

  return {
    async upload(file, { name, ...options } = {}) {
      const send = async () => {
        const { toForm } = await loadedForm()
        const body = toForm(file, name ?? fileNameOf(file))
        return (await askRoute(path, { method: 'POST', body, ...options })).json()
      }
      const { files } = (await call(send(), options.signal)) as { files: [StoredFile] }
      return files[0]
    },
    url: urlOf,
    download: (fileId, options = {}) =>
      call(
        askRoute(urlOf(fileId), options).then((answer) => answer.blob()),
        options.signal,
      ),
    get: (fileId, options) => ask(trpc.files.get.query, { fileId }, options),
    list: (input = {}, options) => ask(trpc.files.list.query, input, options),
    delete: (fileId, options) => ask(trpc.files.delete.mutate, { fileId }, options),
  }
}

const loadedForm = loadedOnce(() => import('./to-form.ts'))

export const fileNameOf = (file: Blob): string => ('name' in file ? String(file.name) : 'file')
