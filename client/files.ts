// Files have HTTP routes of their own beside the procedures, so that their bytes go as they are.
import { TRPCClientError } from '@trpc/client'
import type { TRPCClient } from '@trpc/client'
import type { AgentRouter } from '../server/api/router.ts'
import type { StoredFile } from '../server/contract/file.ts'
import type { AgentClient } from './agent-client.ts'
import { resolveHeaders } from './links.ts'
import type { HeadersOption } from './links.ts'
import { call } from './trpc-transport.ts'

interface FileRoutes {
  /** Where the tRPC router is mounted. */
  url: string
  headers: HeadersOption | undefined
  fetch: typeof globalThis.fetch
}

export function createFiles(trpc: TRPCClient<AgentRouter>, routes: FileRoutes): AgentClient['files'] {
  const path = `${routes.url}/files`
  const urlOf = (fileId: string) => `${path}/${encodeURIComponent(fileId)}`

  async function ask(url: string, init: RequestInit): Promise<Response> {
    const answer = await routes.fetch(url, { ...init, headers: await resolveHeaders(routes.headers) })
    if (answer.ok) return answer
    throw TRPCClientError.from((await answer.json()) as object)
  }

  return {
    async upload(file, { name, ...options } = {}) {
      const body = toForm(file, name ?? ('name' in file ? String(file.name) : 'file'))
      const sent = ask(path, { method: 'POST', body, ...options }).then((answer) => answer.json())
      const { files } = (await call(sent, options.signal)) as { files: [StoredFile] }
      return files[0]
    },
    url: urlOf,
    download: (fileId, options = {}) =>
      call(
        ask(urlOf(fileId), options).then((answer) => answer.blob()),
        options.signal,
      ),
    get: (fileId, options = {}) => call(trpc.files.get.query({ fileId }, options), options.signal),
    list: (input = {}, options = {}) => call(trpc.files.list.query(input, options), options.signal),
    delete: (fileId, options = {}) => call(trpc.files.delete.mutate({ fileId }, options), options.signal),
  }
}

/** A form with one file. It is not a `FormData`, since Node's `fetch` ends the process when one is aborted while it is sent. */
function toForm(file: Blob, name: string): Blob {
  const boundary = `form-${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}`
  const head = [
    `--${boundary}`,
    `content-disposition: form-data; name="files"; filename="${name.replaceAll('"', '%22').replaceAll(/[\r\n]/g, ' ')}"`,
    `content-type: ${file.type === '' ? 'application/octet-stream' : file.type}`,
    '\r\n',
  ].join('\r\n')
  return new Blob([head, file, `\r\n--${boundary}--\r\n`], {
    type: `multipart/form-data; boundary=${boundary}`,
  })
}
