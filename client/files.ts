import type { TRPCClient } from '@trpc/client'
import type { AgentRouter } from '../server/api/router.ts'
import type { AgentClient } from './agent-client.ts'
import { ask, call } from './ask.ts'
import type { FileRoutes } from './file-routes.ts'
import { loadedOnce } from './late.ts'

export function createFiles(
  trpc: TRPCClient<AgentRouter>,
  {
    url,
    ...rest
  }: Omit<FileRoutes, 'path'> & {
    /** Where the tRPC router is mounted. */
    url: string
  },
): AgentClient['files'] {
  const path = `${url}/files`
  const urlOf = (fileId: string) => `${path}/${encodeURIComponent(fileId)}`
  const routes = loadedOnce(async () =>
    (await import('./file-routes.ts')).createFileRoutes({ ...rest, path }),
  )
  return {
    upload: (file, { name = fileNameOf(file), ...options } = {}) =>
      call(
        routes().then(({ upload }) => upload(file, name, options)),
        options.signal,
      ),
    url: urlOf,
    download: (fileId, options = {}) =>
      call(
        routes().then(({ download }) => download(urlOf(fileId), options)),
        options.signal,
      ),
    get: (fileId, options) => ask(trpc.files.get.query, { fileId }, options),
    list: (input = {}, options) => ask(trpc.files.list.query, input, options),
    delete: (fileId, options) => ask(trpc.files.delete.mutate, { fileId }, options),
  }
}

export const fileNameOf = (file: Blob): string => ('name' in file ? String(file.name) : 'file')
