import type { TRPCClient } from '@trpc/client'
import type { AgentRouter } from '../server/api/router.ts'
import type { AgentClient } from './agent-client.ts'
import { ask, call } from './ask.ts'
import type { AskOptions } from './ask.ts'
import type { CreatedFileRoutes, FileRoutes } from './file-routes.ts'
import { fileNameOf } from './file-name.ts'
import { loadedOnce } from './late.ts'
import type { UploadAllOptions } from './upload-all.ts'

export function createFiles(
  trpc: TRPCClient<AgentRouter>,
  {
    url,
    ...rest
  }: Omit<FileRoutes, 'path'> & {
    /** Where the tRPC router is mounted. */
    url: string
  },
): { files: AgentClient['files']; uploadAll(options: UploadAllOptions): Promise<void> } {
  const path = `${url}/files`
  const urlOf = (fileId: string) => `${path}/${encodeURIComponent(fileId)}`
  const routes = loadedOnce(async () =>
    (await import('./file-routes.ts')).createFileRoutes({ ...rest, path }),
  )
  const by = <T>(use: (routes: CreatedFileRoutes) => Promise<T>, { signal }: AskOptions) =>
    call(routes().then(use), signal)
  const files: AgentClient['files'] = {
    upload: (file, { name = fileNameOf(file), ...options } = {}) =>
      by(({ upload }) => upload(file, name, options), options),
    url: urlOf,
    download: (fileId, options = {}) => by(({ download }) => download(urlOf(fileId), options), options),
    get: (fileId, options) => ask(trpc.files.get.query, { fileId }, options),
    list: (input = {}, options) => ask(trpc.files.list.query, input, options),
    delete: (fileId, options) => ask(trpc.files.delete.mutate, { fileId }, options),
  }
  return { files, uploadAll: (options) => by((routes) => routes.uploadAll(files, options), options) }
}
